import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
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

/**
 * Reads them, and sees that they can be used.
 *
 * @param password asked for when the files were found
 * @throws UsageError (as a rejection) in QEMU's words for a file that is not there
 */
export async function readTlsFiles(
  dir: string,
  endpoint: "client" | "server",
  password: () => string | undefined,
): Promise<TlsFiles> {
  const isServer = endpoint === "server";
  const ca = await readPem(join(dir, "ca-cert.pem"), true);
  const crl = await readPem(join(dir, "ca-crl.pem"), false);
  const cert = await readPem(join(dir, `${endpoint}-cert.pem`), isServer);
  const key = await readPem(join(dir, `${endpoint}-key.pem`), isServer);
  const passphrase = password();
  const files: TlsFiles = {
    ...(ca === undefined ? {} : { ca }),
    ...(crl === undefined ? {} : { crl }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
  try {
    createSecureContext(files);
  } catch (error) {
    throw new UsageError(
      `Unable to use credentials of ${dir}: ${error instanceof Error ? error.message : String(error)}`,
    );
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
