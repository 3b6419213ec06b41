import { HANDLER_TABLE_OFFSET, SIGBUS_HANDLER_X64 } from "./sigbus-handler-x64.ts";
import type { SystemCalls } from "./system-calls.ts";
import { VhostUserError } from "./vhost-user-error.ts";

/** A range of addresses that is looked after. */
export interface GuardedRange {
  /** Pages of it that were found to have vanished, and that are zeros of this process's own since. */
  readonly faults: number;
  /** Ends it; call it before the range is unmapped. Harmless the second time. */
  release(): void;
}

/**
 * Keeps the process alive when mapped memory vanishes because somebody made its file smaller: to touch it is a SIGBUS, which
 * ends a process that does nothing about it. A page of zeros takes the place of each page that is missed; who mapped it finds
 * that in `faults`.
 */
export interface SigbusGuard {
  /** Faults in all ranges so far; cheap to look at. */
  readonly faults: number;
  /** @throws VhostUserError `ENOMEM` if there are too many ranges. */
  protect(address: bigint, length: number, pageSize: number): GuardedRange;
}

const SIGBUS = 7;
const TABLE_BYTES = 65536;
/** Words of 8 bytes. */
const TOTAL = 0;
const PREVIOUS = 1;
const COUNT = 2;
const ENTRIES = 4;
const ENTRY = 4;
const MOST_ENTRIES: number = Math.floor((TABLE_BYTES / 8 - ENTRIES) / ENTRY);
const START = 0;
const END = 1;
const PAGE = 2;
const FAULTS = 3;

const guards = new WeakMap<SystemCalls, SigbusGuard>();

/**
 * The guard of the process; the handler is installed with the first call and stays. A handler of somebody else that is there
 * gets what is not in a guarded range.
 *
 * @returns Null on processors that there is no handler for: all but x64.
 */
export function installSigbusGuard(calls: SystemCalls): SigbusGuard | null {
  if (process.arch !== "x64") return null;
  const guard = guards.get(calls) ?? install(calls);
  guards.set(calls, guard);
  return guard;
}

function install(calls: SystemCalls): SigbusGuard {
  const length = HANDLER_TABLE_OFFSET + TABLE_BYTES;
  const address = calls.map(null, 0, length);
  const memory = calls.view(address, length);
  new Uint8Array(memory).set(Buffer.from(SIGBUS_HANDLER_X64, "hex"));
  const table = new BigUint64Array(memory, HANDLER_TABLE_OFFSET, TABLE_BYTES / 8);
  calls.makeExecutable(address, HANDLER_TABLE_OFFSET);
  table[PREVIOUS] = calls.setSignalHandler(SIGBUS, address);
  return new Guard(table);
}

class Guard implements SigbusGuard {
  readonly #table: BigUint64Array;
  readonly #total: Uint32Array;

  constructor(table: BigUint64Array) {
    this.#table = table;
    this.#total = new Uint32Array(table.buffer, table.byteOffset, 2);
  }

  get faults(): number {
    return this.#total[TOTAL] ?? 0;
  }

  protect(address: bigint, length: number, pageSize: number): GuardedRange {
    const at = this.#findFree();
    const table = this.#table;
    // The end comes last: until then the entry is empty, whoever looks at it.
    table[at + START] = address;
    table[at + PAGE] = BigInt(pageSize);
    table[at + FAULTS] = 0n;
    table[at + END] = address + BigInt(length);
    let faults: number | null = null;
    return {
      get faults() {
        return faults ?? Number(table[at + FAULTS]);
      },
      release() {
        if (faults !== null) return;
        faults = Number(table[at + FAULTS]);
        table[at + END] = 0n;
      },
    };
  }

  #findFree(): number {
    const count = Number(this.#table[COUNT]);
    for (let entry = 0; entry < count; entry += 1) {
      const at = ENTRIES + ENTRY * entry;
      if (this.#table[at + END] === 0n) return at;
    }
    if (count === MOST_ENTRIES) throw new VhostUserError("too many mappings are guarded", "ENOMEM");
    this.#table[COUNT] = BigInt(count + 1);
    return ENTRIES + ENTRY * count;
  }
}
