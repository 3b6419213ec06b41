import { clearScreenDown, cursorTo, moveCursor } from "node:readline";
import { createInterface, type Interface } from "node:readline/promises";
import type { ReadStream, WriteStream } from "node:tty";
import { HISTORY_LINES } from "./history.ts";

/** What a {@link Terminal} needs. */
export interface TerminalOptions {
  readonly input: ReadStream;
  readonly output: WriteStream;
  /** Lines of earlier sessions, the newest first. */
  readonly history: string[];
  /** What may stand at the end of a line, and which part of the line it replaces. */
  readonly complete: (line: string) => Promise<[candidates: string[], replaced: string]>;
}

/** What a user does at a {@link Terminal}. */
export interface TerminalListener {
  /** Enter. */
  readonly line: (line: string) => void;
  /** Ctrl-C. `hadText` is true if that cleared a line. */
  readonly interrupt: (hadText: boolean) => void;
  /** Ctrl-D, or the terminal is gone. */
  readonly end: () => void;
}

/** A line that is edited, below output that comes whenever it likes. */
export class Terminal {
  readonly #output: WriteStream;
  readonly #readline: Interface;

  constructor({ input, output, history, complete }: TerminalOptions, listener: TerminalListener) {
    this.#output = output;
    this.#readline = createInterface({
      input,
      output,
      terminal: true,
      history,
      historySize: HISTORY_LINES,
      removeHistoryDuplicates: true,
      completer: complete,
    });
    // After readline's own listener. What is pasted moves the cursor without readline's noticing the rows.
    input.on("keypress", () => this.#setRowsAbove(this.#readline.getCursorPos().rows));
    this.#readline.on("line", listener.line);
    this.#readline.on("SIGINT", () => listener.interrupt(this.#clearLine()));
    this.#readline.on("close", listener.end);
  }

  /** What stands before the line; what is typed already stays. */
  prompt(text: string): void {
    this.#erase();
    this.#readline.setPrompt(text);
    this.#readline.prompt(true);
  }

  /** Writes lines above the one that is typed. */
  print(text: string): void {
    this.#erase();
    this.#output.write(`${text}\n`);
    this.#readline.prompt(true);
  }

  close(): void {
    this.#readline.close();
  }

  /** Takes the prompt and what is typed off the screen. */
  #erase(): void {
    const { rows } = this.#readline.getCursorPos();
    moveCursor(this.#output, 0, -rows);
    cursorTo(this.#output, 0);
    clearScreenDown(this.#output);
    this.#setRowsAbove(0);
  }

  /** Readline goes up so many rows before it draws the line again. Its types leave the member out. */
  #setRowsAbove(prevRows: number): void {
    Object.assign(this.#readline, { prevRows });
  }

  #clearLine(): boolean {
    const hadText = this.#readline.line !== "";
    this.#readline.write(null, { ctrl: true, name: "e" });
    this.#readline.write(null, { ctrl: true, name: "u" });
    return hadText;
  }
}
