import type { TlsCredentials } from "@rehandle/driver-nbd";
import type { NbdServerTls } from "@rehandle/nbd";
import { checkId } from "@rehandle/options";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf, wordsOfErrno } from "./errno-words.ts";
import type { ObjectSettings } from "./option-table.ts";
import { UsageError } from "./usage-error.ts";

interface TlsFiles {
  readonly ca: Buffer | undefined;
  readonly crl: Buffer | undefined;
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
}

interface TlsObject {
  readonly endpoint: "client" | "server";
  readonly verifyPeer: boolean;
  readonly files: TlsFiles;
}

/** The `tls-creds-x509` objects of a daemon by their ids. */
export class TlsObjects {
  readonly #objects = new Map<string, TlsObject>();

  /**
   * Reads the files of one more object.
   *
   * @throws UsageError or OptionError (as a rejection) in QEMU's words
   */
  async add(settings: ObjectSettings): Promise<void> {
    const { id, dir, endpoint } = settings;
    checkId(id);
    if (this.#objects.has(id)) {
      throw new UsageError(`attempt to add duplicate property '${id}' to object (type 'container')`);
    }
    if (settings.passwordid !== undefined) throw new UsageError("passwordid is not supported");
    if (dir === undefined) throw new UsageError("Missing 'dir' property value");
    const files = await readFiles(dir, endpoint);
    this.#objects.set(id, { endpoint, verifyPeer: settings["verify-peer"], files });
  }

  /** Credentials of a client. @throws UsageError if there are none of that id */
  client(id: string): TlsCredentials {
    const { files, verifyPeer } = this.#find(id, "client");
    const { ca, cert, key } = files;
    return {
      verifyPeer,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    };
  }

  /** Credentials of a server. @throws UsageError if there are none of that id */
  server(id: string): NbdServerTls {
    const { files, verifyPeer } = this.#find(id, "server");
    const { ca, crl, cert, key } = files;
    return {
      verifyPeer,
      ...(ca === undefined ? {} : { ca }),
      ...(crl === undefined ? {} : { crl }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    };
  }

  #find(id: string, endpoint: "client" | "server"): TlsObject {
    const found = this.#objects.get(id);
    if (found === undefined) throw new UsageError(`No TLS credentials with id '${id}'`);
    if (found.endpoint !== endpoint) {
      throw new UsageError(`Expecting TLS credentials with a ${endpoint} endpoint`);
    }
    return found;
  }
}

async function readFiles(dir: string, endpoint: "client" | "server"): Promise<TlsFiles> {
  const isServer = endpoint === "server";
  return {
    ca: await readPem(join(dir, "ca-cert.pem"), true),
    crl: await readPem(join(dir, "ca-crl.pem"), false),
    cert: await readPem(join(dir, `${endpoint}-cert.pem`), isServer),
    key: await readPem(join(dir, `${endpoint}-key.pem`), isServer),
  };
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
