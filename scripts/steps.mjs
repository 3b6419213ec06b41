/** Runs commands one after another as headed sections, and tells at the end how each went and how long it took. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { environment, root } from "./environment.mjs";

/**
 * @typedef {object} Step
 * @property {string} name One word, as printed.
 * @property {string} title What the step does, as printed.
 * @property {() => Promise<number>} run Resolves with an exit code.
 * @property {boolean} [needed] The steps after it make no sense without it: a failure ends the run.
 */

/** @typedef {{ name: string, code: number, seconds: number }} StepResult */

/**
 * Runs the steps; one that fails ends the run if it is `needed`, otherwise the others still run.
 * @param {readonly Step[]} steps
 * @returns {Promise<StepResult[]>}
 */
export async function runSteps(steps) {
  const results = [];
  for (const [index, step] of steps.entries()) {
    console.log(`\n== ${index + 1}/${steps.length} ${step.name}: ${step.title}`);
    const result = await runStep(step);
    results.push(result);
    console.log(`-- ${result.name}: ${verdict(result)}, ${seconds(result.seconds)}`);
    if (result.code !== 0 && step.needed) break;
  }
  return results;
}

/**
 * @param {Step} step
 * @returns {Promise<StepResult>}
 */
async function runStep(step) {
  const start = performance.now();
  let code = 1;
  try {
    code = await step.run();
  } catch (error) {
    console.error(error);
  }
  return { name: step.name, code, seconds: (performance.now() - start) / 1000 };
}

/** Prints one line for each step, then those that failed. */
export function printSummary(/** @type {readonly StepResult[]} */ results) {
  const total = results.reduce((sum, result) => sum + result.seconds, 0);
  console.log(`\n== ${seconds(total)} in all`);
  for (const result of results) {
    console.log(`${result.name.padEnd(10)} ${seconds(result.seconds).padStart(8)}  ${verdict(result)}`);
  }
}

/** The exit code of the first step that failed, or 0. */
export function exitCode(/** @type {readonly StepResult[]} */ results) {
  return results.find((result) => result.code !== 0)?.code ?? 0;
}

/**
 * Runs a command in the repository's folder with the environment of the house; its output goes straight through.
 * @param {readonly string[]} command The program and its arguments; with one element, a line for the shell.
 * @param {Record<string, string>} [variables] Further environment variables.
 * @returns {Promise<number>} Its exit code; 128 + N if signal N ended it, 127 if it could not be started.
 */
export function run(command, variables = {}) {
  const [program = "", ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: root,
      env: { ...environment, ...variables },
      shell: args.length === 0,
      stdio: "inherit",
    });
    child.on("error", (error) => {
      console.error(`${program}: ${error.message}`);
      resolve(127);
    });
    child.on("exit", (code, signal) => resolve(code ?? 128 + signalNumber(signal)));
  });
}

/** @param {NodeJS.Signals | null} signal */
function signalNumber(signal) {
  return signal === null ? 0 : (constants.signals[signal] ?? 0);
}

/** @param {StepResult} result */
function verdict(result) {
  return result.code === 0 ? "ok" : `FAILED with exit code ${result.code}`;
}

/** @param {number} value */
function seconds(value) {
  return `${value.toFixed(1)} s`;
}
