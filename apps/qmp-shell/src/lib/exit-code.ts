/** How the program ends. */
export const ExitCode = {
  /** All went well. */
  Success: 0,
  /** The peer refused a command. */
  CommandFailed: 1,
  /** What was typed makes no sense. */
  Usage: 2,
  /** The peer cannot be reached, does not speak QMP, or went away. */
  ConnectionFailed: 3,
} as const;

/** One of the exit codes. */
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
