export { ExitCode } from "./lib/exit-code.ts";
export { runShell, type ShellStreams } from "./lib/run-shell.ts";
