import type { TlsCredentials } from "@rehandle/driver-nbd";
import type { Clock } from "@rehandle/driver-sdk";
import type { NbdServerTls } from "@rehandle/nbd";
import { checkId } from "@rehandle/options";
import type { ObjectSettings } from "./option-types.ts";
import { readSecret } from "./secret.ts";
import { readTlsFiles, type TlsFiles } from "./tls-files.ts";
import { UsageError } from "./usage-error.ts";

interface TlsObject {
  readonly kind: "tls-creds-x509";
  readonly endpoint: "client" | "server";
  readonly verifyPeer: boolean;
  readonly files: TlsFiles;
}

interface SecretObject {
  readonly kind: "secret";
  readonly data: Buffer;
}

/** The objects of a daemon by their ids. Whoever uses one has what it needs of it, also when it is deleted. */
export class Objects {
  readonly #objects = new Map<string, TlsObject | SecretObject>();
  /** Ids of objects that are being read. */
  readonly #reserved = new Set<string>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Reads the files of one more object.
   *
   * @throws UsageError or OptionError (as a rejection) in QEMU's words; nothing is left of it then
   */
  async add(settings: ObjectSettings): Promise<void> {
    const { id } = settings;
    checkId(id);
    if (this.#objects.has(id) || this.#reserved.has(id)) {
      throw new UsageError(`attempt to add duplicate property '${id}' to object (type 'container')`);
    }
    this.#reserved.add(id);
    try {
      this.#objects.set(id, await this.#read(settings));
    } finally {
      this.#reserved.delete(id);
    }
  }

  /** @throws UsageError if there is none of that id */
  delete(id: string): void {
    if (!this.#objects.delete(id)) throw new UsageError(`object '${id}' not found`);
  }

  /** Credentials of a client. @throws UsageError if there are none of that id */
  client(id: string): TlsCredentials {
    const { files, verifyPeer } = this.#credentials(id, "client");
    const { crl: _crl, ...rest } = files;
    return { verifyPeer, ...rest };
  }

  /** Credentials of a server. @throws UsageError if there are none of that id */
  server(id: string): NbdServerTls {
    const { files, verifyPeer } = this.#credentials(id, "server");
    return { verifyPeer, ...files };
  }

  async #read(settings: ObjectSettings): Promise<TlsObject | SecretObject> {
    if (settings["qom-type"] === "secret") return { kind: "secret", data: await readSecret(settings) };
    const { dir, endpoint, passwordid } = settings;
    if (dir === undefined) throw new UsageError("Missing 'dir' property value");
    const password = (): string | undefined => (passwordid === undefined ? undefined : this.#secret(passwordid));
    const today = settings["sanity-check"] ? this.#clock.realtime() : null;
    const files = await readTlsFiles({ dir, endpoint, password, today });
    return { kind: "tls-creds-x509", endpoint, verifyPeer: settings["verify-peer"], files };
  }

  #credentials(id: string, endpoint: "client" | "server"): TlsObject {
    const found = this.#objects.get(id);
    if (found === undefined) throw new UsageError(`No TLS credentials with id '${id}'`);
    if (found.kind !== "tls-creds-x509") throw new UsageError(`Object with id '${id}' is not TLS credentials`);
    if (found.endpoint !== endpoint) {
      throw new UsageError(`Expected TLS credentials for a ${endpoint} endpoint`);
    }
    return found;
  }

  #secret(id: string): string {
    const found = this.#objects.get(id);
    if (found === undefined) throw new UsageError(`No secret with id '${id}'`);
    if (found.kind !== "secret") throw new UsageError(`Object with id '${id}' is not a secret`);
    return found.data.toString("utf8");
  }
}
