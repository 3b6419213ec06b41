import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { checkAuthorities, checkCertificate, reasonOf } from "./check-certificates.ts";
import { errnoOf, wordsOfErrno } from "./errno-words.ts";
import { UsageError } from "./usage-error.ts";

/** What the files of a `tls-creds-x509` object have, as far as they are there. */
export interface TlsFiles {
  readonly ca?: Buffer;
  readonly crl?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly passphrase?: string;
}

/** Where to read them, and what to see to. */
export interface TlsFilesRequest {
  readonly dir: string;
  readonly endpoint: "client" | "server";
  /** Asked for when the files were found. */
  readonly password: () => string | undefined;
  /** ms since 1970, to refuse certificates that are out of date; null to take them. */
  readonly today: number | null;
}

/**
 * Reads them, and sees that they can be used.
 *
 * @throws UsageError (as a rejection) in QEMU's words for a file that is not there or of no use
 */
export async function readTlsFiles({ dir, endpoint, password, today }: TlsFilesRequest): Promise<TlsFiles> {
  const isServer = endpoint === "server";
  const [caFile, certFile, keyFile] = ["ca-cert", `${endpoint}-cert`, `${endpoint}-key`].map((name) =>
    join(dir, `${name}.pem`),
  ) as [string, string, string];
  const ca = await readPem(caFile, true);
  const crl = await readPem(join(dir, "ca-crl.pem"), false);
  const cert = await readPem(certFile, isServer);
  const key = await readPem(keyFile, isServer);
  const passphrase = password();
  if (cert !== undefined) checkCertificate(cert, { file: certFile, whose: endpoint, today });
  if (ca !== undefined) checkAuthorities(ca, caFile, today);
  const files: TlsFiles = {
    ...(ca === undefined ? {} : { ca }),
    ...(crl === undefined ? {} : { crl }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
  try {
    createSecureContext({ ...files, crl: undefined });
  } catch (error) {
    throw new UsageError(`Cannot load certificate '${certFile}' & key '${keyFile}': ${reasonOf(error)}`);
  }
  try {
    createSecureContext(files);
  } catch (error) {
    throw new UsageError(`Unable to use credentials of ${dir}: ${reasonOf(error)}`);
  }
  return files;
}

async function readPem(path: string, required: boolean): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    const code = errnoOf(error);
    if (code === "ENOENT" && !required) return undefined;
    throw new UsageError(`Unable to access credentials ${path}: ${wordsOfErrno(code)}`);
  }
}
