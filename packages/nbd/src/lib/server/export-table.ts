import { BlockError } from "@rehandle/driver-sdk";
import { encodeText } from "../protocol/text.ts";
import type { NbdExport } from "./nbd-export.ts";

/** The exports of a server by name. */
export class ExportTable {
  readonly #byName: Map<string, NbdExport> = new Map();

  /** @throws BlockError `EEXIST` if the name, or the place of the default, is taken; `EINVAL` if a text is too long. */
  add(nbdExport: NbdExport): void {
    const { name } = nbdExport;
    encodeText(name);
    encodeText(nbdExport.description ?? "");
    if (this.#byName.has(name)) throw exists(`NBD server already has export named '${name}'`);
    const current = this.#default();
    if (nbdExport.default === true && current !== undefined) {
      throw exists(`NBD server already has the default export '${current.name}'`);
    }
    this.#byName.set(name, nbdExport);
  }

  /** The export that was removed, or undefined if there was none. */
  remove(name: string): NbdExport | undefined {
    const found = this.#byName.get(name);
    this.#byName.delete(name);
    return found;
  }

  /** The export of that name, or undefined if there is none. */
  get(name: string): NbdExport | undefined {
    return this.#byName.get(name);
  }

  /** True while this very export can be opened. */
  has(nbdExport: NbdExport): boolean {
    return this.#byName.get(nbdExport.name) === nbdExport;
  }

  /** The export that a client means: by name, or the default one for an empty name. */
  find(name: string): NbdExport | undefined {
    return this.#byName.get(name) ?? (name === "" ? this.#default() : undefined);
  }

  /** All exports in the order they were added. */
  list(): NbdExport[] {
    return [...this.#byName.values()];
  }

  #default(): NbdExport | undefined {
    for (const candidate of this.#byName.values()) if (candidate.default === true) return candidate;
    return undefined;
  }
}

function exists(message: string): BlockError {
  return new BlockError(message, { code: "EEXIST" });
}
