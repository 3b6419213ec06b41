import type { Readiness, SystemCalls, Watcher } from "./system-calls.ts";

/** What koffi gives back for a watched descriptor. */
interface PollHandle {
  start(interest: Required<Readiness>, callback: PollCallback): void;
  stop(): void;
  close(): void;
}

type PollCallback = (...told: readonly unknown[]) => void;

/** Watchers that are open. koffi's handles stop when they are collected as garbage, so something has to hold them. */
const open = new Set<Watcher>();

/**
 * Watching through `poll`, koffi's door to the event loop (uv_poll): level-triggered. What a callback throws would be lost and
 * come again at once, for ever; it ends the watcher and goes to the listener instead. `probe` throws for a descriptor that
 * `poll` could not watch.
 */
export function createWatch(
  probe: (fd: number) => void,
  poll: (fd: number, interest: Required<Readiness>, callback: PollCallback) => PollHandle,
): SystemCalls["watch"] {
  return (fd, interest, listener) => {
    let closed = false;
    let current = complete(interest);
    const close = (): void => {
      if (closed) return;
      closed = true;
      open.delete(watcher);
      handle.close();
    };
    const fail = (error: unknown): void => {
      if (closed) return;
      close();
      listener.onError(error);
    };
    const onPoll = (...told: readonly unknown[]): void => {
      if (closed) return;
      try {
        const { status, readable, writable } = readPoll(told);
        // POLLERR, after which libuv watches no more. The next system call says what it is.
        listener.onReady(readable || status < 0, writable || status < 0);
        if (status < 0 && !closed) throw new Error(`the descriptor cannot be watched any more (${status})`);
      } catch (error) {
        fail(error);
      }
    };
    probe(fd);
    const handle = poll(fd, current, onPoll);
    const watcher: Watcher = {
      setInterest(next) {
        if (closed || isSame(next, current)) return;
        current = complete(next);
        if (next.readable === true || next.writable === true) handle.start(current, onPoll);
        else handle.stop();
      },
      close,
    };
    open.add(watcher);
    return watcher;
  };
}

function complete(interest: Readiness): Required<Readiness> {
  return { readable: interest.readable ?? false, writable: interest.writable ?? false };
}

function isSame(next: Readiness, current: Required<Readiness>): boolean {
  return (next.readable ?? false) === current.readable && (next.writable ?? false) === current.writable;
}

/** koffi's callback is told a status and the events, although its types say only the events: takes either. */
function readPoll(told: readonly unknown[]): { status: number; readable: boolean; writable: boolean } {
  const status = typeof told[0] === "number" ? told[0] : 0;
  const events = told.find((value): value is Required<Readiness> => typeof value === "object" && value !== null);
  return { status, readable: events?.readable ?? false, writable: events?.writable ?? false };
}
