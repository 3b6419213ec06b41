import { runShell } from "./lib/run-shell.ts";

// A reader that went away, such as `head`, is no reason to fail.
process.stdout.on("error", () => process.exit(0));
process.stderr.on("error", () => undefined);

process.exitCode = await runShell({
  args: process.argv.slice(2),
  input: process.stdin,
  output: process.stdout,
  errors: process.stderr,
  env: process.env,
});
