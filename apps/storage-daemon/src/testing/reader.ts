import { createNbdDriver } from "@rehandle/driver-nbd";
import { createRandom, createRequest, type BlockDriver } from "@rehandle/driver-sdk";
import { clock } from "./time.ts";

/** How one read of a {@link Reader} ended. */
export interface ReadDone {
  /** The clock's ms. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** errno name; null for success. */
  readonly code: string | null;
}

/** A client of the daemon that always has one read on its way, to see when I/O goes on. */
export class Reader {
  readonly done: ReadDone[] = [];
  readonly #driver: BlockDriver;
  #stopped = false;

  private constructor(driver: BlockDriver) {
    this.#driver = driver;
  }

  static async start(socket: string, exportName: string): Promise<Reader> {
    const driver = createNbdDriver({ server: { type: "unix", path: socket }, export: exportName });
    await driver.open({ clock, random: createRandom(1), held: false, onEvent: () => undefined });
    const reader = new Reader(driver);
    reader.#next();
    return reader;
  }

  /** The first read that succeeded at or after this moment. */
  firstSuccessSince(moment: number): ReadDone | undefined {
    return this.done.find(({ endedAt, code }) => code === null && endedAt >= moment);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#driver.close();
  }

  #next(): void {
    if (this.#stopped) return;
    const startedAt = clock.now();
    const request = createRequest({
      operation: "read",
      length: 512,
      iov: [new Uint8Array(512)],
      complete: (_request, error) => {
        this.done.push({ startedAt, endedAt: clock.now(), code: error?.code ?? null });
        clock.setTimer(5, () => this.#next());
      },
    });
    this.#driver.submit(request);
  }
}
