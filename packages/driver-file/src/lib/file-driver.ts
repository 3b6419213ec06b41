import {
  BlockError,
  defineCapabilities,
  toBlockError,
  type BlockDriver,
  type BlockRequest,
  type Clock,
  type DriverCapabilities,
  type OpenContext,
} from "@rehandle/driver-sdk";

import { NEXT_STATES, type DriverState } from "./driver-state.ts";
import type { ResolvedOptions } from "./file-driver-options.ts";
import { nodeFileSystem, promised, type FileSystem } from "./file-system.ts";
import { repeatInterrupted } from "./interrupted-calls.ts";
import { openStorage, type OpenStorage } from "./open-storage.ts";
import { driverFailure, requestFailure } from "./request-failure.ts";
import { RequestRunner } from "./request-runner.ts";
import type { SystemCalls } from "./system-calls.ts";
import { WriteBatcher } from "./write-batcher.ts";

/** What exists only while the file is open. */
interface Opened {
  readonly fd: number;
  readonly context: OpenContext;
  readonly runner: RequestRunner;
}

/** The life of the driver; see `createFileDriver`. The requests are run by {@link RequestRunner}. */
export class FileDriver implements BlockDriver {
  readonly driverName = "file";
  /** Present iff the capability is, so it is set by `open`. */
  resize?: (size: number) => Promise<void>;
  readonly #options: ResolvedOptions;
  readonly #fileSystem: FileSystem;
  readonly #loadSystemCalls: () => Promise<SystemCalls | null>;
  #state: DriverState = "new";
  #opened: Opened | null = null;
  /** Settles when the file that is being opened is open, or closed again. Never rejects. */
  #opening: Promise<unknown> = Promise.resolve();
  #openContext: OpenContext | null = null;
  #closing: Promise<void> | null = null;
  /** Resizes come one after the other. Never rejects. */
  #resizing: Promise<unknown> = Promise.resolve();

  constructor(options: ResolvedOptions, fileSystem: FileSystem, loadSystemCalls: () => Promise<SystemCalls | null>) {
    this.#options = options;
    this.#fileSystem = fileSystem;
    this.#loadSystemCalls = loadSystemCalls;
  }

  get capabilities(): DriverCapabilities {
    if (this.#opened === null) throw new BlockError("The driver is not open", { code: "EBADF" });
    return this.#opened.runner.capabilities;
  }

  open(context: OpenContext): Promise<DriverCapabilities> {
    if (this.#state !== "new") return Promise.reject(driverFailure("open", "EBADF", "A driver is opened only once"));
    this.#enter("opening");
    this.#openContext = context;
    const opening = this.#open(context);
    this.#opening = opening.catch(() => {});
    return opening;
  }

  async #open(context: OpenContext): Promise<DriverCapabilities> {
    const loaded = await this.#loadSystemCalls();
    const systemCalls = loaded && repeatInterrupted(loaded);
    const plan = { options: this.#options, fileSystem: this.#withBatches(systemCalls, context.clock), systemCalls };
    let storage: OpenStorage;
    try {
      storage = await openStorage(plan, context);
    } catch (error) {
      this.#enter("closed");
      throw error;
    }
    const { file, capabilities } = storage;
    if (this.#state !== "opening") {
      await this.#closeFile(file.fd);
      this.#enter("closed");
      throw driverFailure("open", "ECANCELED", "The driver was closed while it was opening");
    }
    const runner = new RequestRunner({ ...plan, clock: context.clock, file, capabilities });
    this.#opened = { fd: file.fd, context, runner };
    if (capabilities.resize) this.resize = (size) => this.#resizeInTurn(size);
    this.#enter("open");
    return capabilities;
  }

  /** O_DIRECT waits for the device with every write, so that one after the other would be slow. */
  #withBatches(systemCalls: SystemCalls | null, clock: Clock): FileSystem {
    const fileSystem = this.#fileSystem;
    const contexts = systemCalls?.batchContexts ?? null;
    if (contexts === null || fileSystem !== nodeFileSystem || this.#options.cacheDirect) return fileSystem;
    const batcher = new WriteBatcher(fileSystem, contexts, () => clock.now());
    return {
      ...fileSystem,
      write: (fd, buffer, from, length, position, done) => batcher.write(fd, buffer, from, length, position, done),
      fdatasync(fd, done) {
        batcher.flushed();
        fileSystem.fdatasync(fd, done);
      },
    };
  }

  submit(request: BlockRequest): void {
    if (this.#opened !== null && this.#state === "open") this.#opened.runner.submit(request);
    else request.complete(request, requestFailure(request, "EBADF", "The driver is not open"));
  }

  abandon(request: BlockRequest): boolean {
    return this.#opened?.runner.abandon(request) ?? false;
  }

  #resizeInTurn(size: number): Promise<void> {
    const resizing = this.#resizing.then(() => this.#resize(size));
    this.#resizing = resizing.catch(() => {});
    return resizing;
  }

  async #resize(size: number): Promise<void> {
    const { runner } = this.#requireOpen();
    const unit = runner.capabilities.requestAlignment;
    if (!Number.isSafeInteger(size) || size < 0 || size % unit !== 0) {
      throw driverFailure("resize", "EINVAL", `The size must be a multiple of ${unit} bytes and >= 0, not ${size}`);
    }
    if (size >= runner.capabilities.size) {
      await this.#truncate(size);
      return;
    }
    // A write that is under way beyond the new end would make the file longer again.
    runner.pause();
    try {
      await new Promise<void>((resolve) => runner.whenIdle(resolve));
      await this.#truncate(size);
    } finally {
      if (this.#state === "open") runner.resume();
    }
  }

  async #truncate(size: number): Promise<void> {
    const { fd, context, runner } = this.#requireOpen();
    runner.hold();
    try {
      await promised<void>((done) => this.#fileSystem.ftruncate(fd, size, (error) => done(error, undefined)));
      runner.capabilities = defineCapabilities({ ...runner.capabilities, size });
    } catch (error) {
      throw toBlockError(error, { operation: "resize" });
    } finally {
      runner.release();
    }
    if (this.#state === "open") context.onEvent({ type: "resized", size });
  }

  #requireOpen(): Opened {
    if (this.#opened === null || this.#state !== "open") {
      throw driverFailure("resize", "EBADF", "The driver is not open");
    }
    return this.#opened;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#state === "new") this.#enter("closed");
    if (this.#state === "closed") return;
    this.#enter("closing");
    this.#opened?.runner.stop();
    await this.#withinBound(this.#opened === null ? this.#opening : this.#letGo(this.#opened));
  }

  /** Closes the file when the system has answered everything, however late: until then its number must stay taken. */
  async #letGo({ fd, runner }: Opened): Promise<void> {
    await new Promise<void>((resolve) => runner.whenIdle(resolve));
    await this.#closeFile(fd);
    this.#enter("closed");
  }

  /** Waits for `work`, but no longer than `closeTimeout`. */
  #withinBound(work: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#openContext?.clock.setTimer(this.#options.closeTimeout, resolve);
      void work.then(() => {
        timer?.cancel();
        resolve();
      });
    });
  }

  /** An error of close(2) tells of writes that no flush covered, and nobody was promised those. */
  #closeFile(fd: number): Promise<void> {
    return new Promise((resolve) => this.#fileSystem.close(fd, () => resolve()));
  }

  #enter(state: DriverState): void {
    if (!NEXT_STATES[this.#state].includes(state)) throw new Error(`A ${this.#state} driver cannot become ${state}`);
    this.#state = state;
  }
}
