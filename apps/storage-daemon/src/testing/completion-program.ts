/** What the program does when shells ask it, without the rest of it, which would take longer to load from its sources. */
import { COMPLETE_FLAG } from "../lib/command-options.ts";
import { completionScript, completionText } from "../lib/usage.ts";

const [first, ...others] = process.argv.slice(2);
process.stdout.write(first === COMPLETE_FLAG ? completionText(others) : completionScript(others[0] ?? ""));
