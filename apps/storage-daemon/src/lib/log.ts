import type { Clock, Timer } from "@rehandle/driver-sdk";

/** How much a line matters. */
type LogLevel = "info" | "warning" | "error";

/** Lines for an operator. */
export interface Log {
  /** Writes `TIME LEVEL SUBJECT: MESSAGE`. The subject is a node, an export, or the part of the daemon that speaks. */
  write(level: LogLevel, subject: string, message: string): void;
  /**
   * As {@link Log.write}, but of lines of one subject and `kind` only the first {@link BURST} of each ten seconds are
   * written; how many were left out is said afterwards.
   */
  limited(kind: string, level: LogLevel, subject: string, message: string): void;
  /** Says what was left out so far, and forgets all timers. */
  close(): void;
}

/** Lines of one kind that are written within {@link WINDOW_MS}. */
const BURST = 5;
const WINDOW_MS = 10_000;
/** Kinds that are told apart; what comes beyond is written without a limit of its own, as one kind. */
const MAX_KINDS = 1000;

interface Window {
  written: number;
  dropped: number;
  timer: Timer;
  end: () => void;
}

/** A log that writes to `sink`, whole lines only. */
export function createLog(clock: Clock, sink: (line: string) => void): Log {
  const windows = new Map<string, Window>();
  const write = (level: LogLevel, subject: string, message: string): void => {
    sink(`${new Date(clock.realtime()).toISOString()} ${level} ${subject}: ${oneLine(message)}\n`);
  };
  const openWindow = (key: string, level: LogLevel, subject: string, kind: string): Window => {
    const end = (): void => {
      windows.delete(key);
      window.timer.cancel();
      if (window.dropped > 0) write(level, subject, `${window.dropped} more of this kind were not logged: ${kind}`);
    };
    const window: Window = { written: 0, dropped: 0, timer: clock.setTimer(WINDOW_MS, end), end };
    windows.set(key, window);
    return window;
  };
  return {
    write,
    limited(kind, level, subject, message) {
      const key = windows.size < MAX_KINDS ? `${kind} ${subject}` : "";
      const window = windows.get(key) ?? openWindow(key, level, subject, kind);
      if (window.written < BURST) {
        window.written += 1;
        write(level, subject, message);
      } else {
        window.dropped += 1;
      }
    },
    close() {
      for (const { end } of windows.values()) end();
    },
  };
}

/** Texts may come from peers: nothing in them may begin a line of its own or steer a terminal. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, (found) => {
    return `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
