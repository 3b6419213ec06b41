import type { BlockDriver, DriverEvent, OpenContext } from "./block-driver.ts";
import { BlockError, isBlockError, toBlockError, type BlockErrorFields } from "./block-error.ts";
import type { BlockRequest } from "./block-request.ts";
import type { DriverCapabilities } from "./capabilities.ts";
import { checkRequest } from "./check-request.ts";
import type { Timer } from "./clock.ts";
import { performRequest, type Attempt } from "./defined-request.ts";
import { deriveCapabilities, type DriverDefinition } from "./driver-definition.ts";

type State = "new" | "opening" | "open" | "closing" | "closed";

const NEXT: Readonly<Record<State, readonly State[]>> = {
  new: ["opening", "closed"],
  opening: ["open", "closing", "closed"],
  open: ["closing"],
  closing: ["closed"],
  closed: [],
};

const DEFAULT_CLOSE_TIMEOUT = 5000;

/** What `defineDriver` returns. */
export class DefinedDriver implements BlockDriver {
  readonly driverName: string;
  resize?: (size: number) => Promise<void>;
  reconnectNow?: () => void;
  readonly #definition: DriverDefinition;
  readonly #inFlight = new Set<Attempt>();
  #state: State = "new";
  #context: OpenContext | null = null;
  #capabilities: DriverCapabilities | null = null;
  #cancelOpen: (error: BlockError) => void = ignore;
  #opened: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | null = null;
  #onIdle: () => void = ignore;
  #lettingGo: Promise<void> | null = null;

  constructor(definition: DriverDefinition) {
    this.#definition = definition;
    this.driverName = definition.name;
    if (definition.resize !== undefined) this.resize = (size) => this.#resize(size);
    if (definition.reconnectNow !== undefined) this.reconnectNow = () => definition.reconnectNow?.();
  }

  get capabilities(): DriverCapabilities {
    if (this.#capabilities === null) throw new BlockError("the driver is not open", { code: "EBADF" });
    return this.#capabilities;
  }

  async open(context: OpenContext): Promise<DriverCapabilities> {
    if (this.#state !== "new") throw openError("EBADF", "the driver was opened or closed before");
    this.#set("opening");
    this.#context = context;
    const cancelled = new Promise<never>((_resolve, reject) => (this.#cancelOpen = reject));
    const abort = (): void => this.#cancelOpen(openError("ECANCELED", "the open was cancelled"));
    const opening = this.#declare({ ...context, onEvent: (event) => this.#onEvent(event) });
    this.#opened = opening;
    try {
      if (context.signal?.aborted === true) abort();
      context.signal?.addEventListener("abort", abort);
      const capabilities = await Promise.race([opening, cancelled]);
      if (!this.#is("opening")) throw closedWhileOpening();
      this.#capabilities = capabilities;
      if (!capabilities.resize) delete this.resize;
      this.#set("open");
      return capabilities;
    } catch (thrown) {
      // If the functions' own open still succeeds later, nobody needs it any more.
      void opening.then(() => this.#letGo(), ignore);
      if (this.#is("opening")) this.#set("closed");
      throw withContext(thrown, { operation: "open" });
    } finally {
      context.signal?.removeEventListener("abort", abort);
    }
  }

  submit(request: BlockRequest): void {
    if (this.#state !== "open") {
      const { operation, offset, length } = request;
      const message = `${operation} on a driver that is not open`;
      request.complete(request, new BlockError(message, { code: "EBADF", operation, offset, length }));
      return;
    }
    const capabilities = this.capabilities;
    const refusal = checkRequest(capabilities, request);
    const { operation } = request;
    const nothingToDo = operation === "flush" ? !capabilities.flush : request.length === 0;
    if (refusal !== null || nothingToDo) {
      request.complete(request, refusal);
      return;
    }
    const attempt: Attempt = { request, detached: false, done: false };
    request.driverState = attempt;
    this.#inFlight.add(attempt);
    void this.#run(attempt);
  }

  abandon(request: BlockRequest): boolean {
    const attempt = request.driverState as Attempt | null;
    if (attempt === null || !this.#inFlight.has(attempt)) return false;
    attempt.detached = true;
    return true;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #declare(context: OpenContext): Promise<DriverCapabilities> {
    const declared = await this.#definition.open(context);
    try {
      return deriveCapabilities(this.#definition, declared);
    } catch (thrown) {
      await this.#letGo();
      throw thrown instanceof RangeError ? openError("EINVAL", thrown.message) : thrown;
    }
  }

  async #run(attempt: Attempt): Promise<void> {
    const { operation, offset, length } = attempt.request;
    let error: BlockError | null = null;
    try {
      await performRequest(this.#definition, this.capabilities, attempt);
    } catch (thrown) {
      error = withContext(thrown, { operation, offset, length });
    }
    this.#finish(attempt, error);
  }

  #finish(attempt: Attempt, error: BlockError | null): void {
    if (attempt.done) return;
    attempt.done = true;
    this.#inFlight.delete(attempt);
    const { request } = attempt;
    request.driverState = null;
    if (this.#inFlight.size === 0) this.#onIdle();
    request.complete(request, error);
  }

  async #resize(size: number): Promise<void> {
    if (this.#state !== "open") {
      throw new BlockError("resize of a driver that is not open", { code: "EBADF", operation: "resize" });
    }
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new BlockError(`${size} is no size`, { code: "EINVAL", operation: "resize" });
    }
    try {
      await this.#definition.resize?.(size);
    } catch (thrown) {
      throw withContext(thrown, { operation: "resize" });
    }
    this.#onEvent({ type: "resized", size });
  }

  #onEvent(event: DriverEvent): void {
    if (this.#state !== "open") return;
    if (event.type === "resized") {
      if (event.size === this.capabilities.size) return;
      this.#capabilities = Object.freeze({ ...this.capabilities, size: event.size });
    }
    this.#context?.onEvent(event);
  }

  async #close(): Promise<void> {
    const context = this.#context;
    if (this.#state === "new" || context === null) this.#set("closed");
    if (this.#state === "closed" || context === null) return;
    const wasOpen = this.#state === "open";
    this.#set("closing");
    let timer: Timer | undefined;
    const expired = new Promise<void>((resolve) => {
      timer = context.clock.setTimer(this.#definition.closeTimeout ?? DEFAULT_CLOSE_TIMEOUT, resolve);
    });
    if (wasOpen) {
      if (this.#inFlight.size > 0) await Promise.race([expired, new Promise<void>((idle) => (this.#onIdle = idle))]);
      this.#cancelInFlight();
      await Promise.race([expired, this.#letGo()]);
    } else {
      this.#cancelOpen(closedWhileOpening());
      await Promise.race([expired, this.#opened.then(() => this.#letGo(), ignore)]);
    }
    timer?.cancel();
    this.#set("closed");
  }

  #cancelInFlight(): void {
    for (const attempt of this.#inFlight) {
      const { operation, offset, length } = attempt.request;
      const message = `${operation} was given up by a close`;
      this.#finish(attempt, new BlockError(message, { code: "ECANCELED", operation, offset, length }));
    }
  }

  /** Calls the functions' own close, once. */
  #letGo(): Promise<void> {
    this.#lettingGo ??= (async () => {
      try {
        await this.#definition.close?.();
      } catch {
        // A close that fails leaves nothing that the caller could do about it; the contract says that it resolves.
      }
    })();
    return this.#lettingGo;
  }

  #is(state: State): boolean {
    return this.#state === state;
  }

  #set(next: State): void {
    if (!NEXT[this.#state].includes(next)) throw new Error(`a driver does not go from ${this.#state} to ${next}`);
    this.#state = next;
  }
}

function ignore(): void {}

function closedWhileOpening(): BlockError {
  return openError("ECANCELED", "the driver was closed while it was opened");
}

function openError(code: string, message: string): BlockError {
  return new BlockError(message, { code, operation: "open" });
}

/** As `toBlockError`, but a BlockError that does not say what it was about is told. */
function withContext(thrown: unknown, context: Omit<BlockErrorFields, "code" | "cause">): BlockError {
  if (!isBlockError(thrown) || thrown.operation !== undefined) return toBlockError(thrown, context);
  const { message, code, errorClass, cause } = thrown;
  return new BlockError(message, { ...context, code, errorClass, cause: cause ?? thrown });
}
