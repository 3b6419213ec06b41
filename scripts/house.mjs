/**
 * The commands of the house: `node scripts/house.mjs bench | build | demo | demo:guest | test | changeset`, as package.json's scripts call them. They work
 * from a fresh clone with nothing but Node 20 and npm, so this file and what it imports are plain JavaScript.
 *
 * `test <step>...` runs the named steps alone, after the installation.
 */
import { join } from "node:path";
import { ensureDebianPackages } from "./debian-packages.mjs";
import { manifest, pnpm, root, systemNode } from "./environment.mjs";
import { install } from "./install.mjs";
import { exitCode, printSummary, run, runSteps } from "./steps.mjs";
import { countLine, runSuites } from "./suites.mjs";

/** @typedef {import("./steps.mjs").Step} Step */

const demo = join(root, "apps/demo/bin/rehandle-demo.js");
const bench = join(root, "bench/dist/main.js");
const guestDemo = join(root, "apps/guest-demo/bin/rehandle-guest-demo.js");
const guestPreparation = join(root, "apps/guest-demo/dist/prepare-guest.js");

/** @type {Step} */
const installation = { name: "install", title: "the workspace's packages, by pnpm", run: install, needed: true };

/** @type {Step[]} */
const testSteps = [
  { name: "debian", title: "programs that the suites run as peers", run: ensureDebianPackages, needed: true },
  installation,
  { name: "build", title: "every package and app, types checked", run: () => build(), needed: true },
  { name: "guest", title: "the guest of the suites, whose kernel is downloaded once", run: prepareGuest },
  script("types", "tests, scripts and configuration"),
  script("lint", "rules that know the types"),
  script("format:check", "layout of the code"),
  script("knip", "unused files, exports and dependencies"),
  { name: "suites", title: "every test of every package", run: runSuites },
  script("packages", "as published: contents, publint, attw, a try on the machine's own Node"),
  script("docs", "the API's reference, warnings are errors"),
  { name: "demo", title: "the story, which fails if it does not hold", run: () => run([systemNode(), demo]) },
];

const verbs = {
  bench: benchVerb,
  build: buildVerb,
  demo: (/** @type {string[]} */ args) => demoVerb("@rehandle/demo", demo, args),
  "demo:guest": guestDemoVerb,
  test: testVerb,
  changeset: changesetVerb,
};

const [verb = "", ...args] = process.argv.slice(2);
if (!Object.hasOwn(verbs, verb)) {
  console.error(`Usage: node scripts/house.mjs ${Object.keys(verbs).join(" | ")}`);
  process.exitCode = 2;
} else {
  process.exitCode = await verbs[/** @type {keyof typeof verbs} */ (verb)](args);
}

/** Installs and builds everything. */
async function buildVerb() {
  const results = await runSteps([
    installation,
    { name: "build", title: "every package and app", run: () => build(), needed: true },
  ]);
  return exitCode(results);
}

/**
 * Installs, builds what a demo needs, and runs it with the arguments given.
 * @param {string} name
 * @param {string} program
 * @param {string[]} demoArgs
 * @param {Step[]} [before]
 */
async function demoVerb(name, program, demoArgs, before = []) {
  const results = await runSteps([
    ...before,
    installation,
    {
      name: "build",
      title: "the demo and what it needs",
      run: () => build(`--filter=${name}...`),
      needed: true,
    },
    { name: "demo", title: "the story", run: () => run([systemNode(), program, ...demoArgs]) },
  ]);
  return exitCode(results);
}

/** The same for the demo with a guest, which consists of Debian's programs and runs on some. */
function guestDemoVerb(/** @type {string[]} */ demoArgs) {
  return demoVerb("@rehandle/guest-demo", guestDemo, demoArgs, [
    { name: "debian", title: "programs that the guest consists of and runs on", run: ensureDebianPackages },
  ]);
}

/** Installs, builds what is measured and what measures it, and runs that with the arguments given. */
async function benchVerb(/** @type {string[]} */ benchArgs) {
  const results = await runSteps([
    installation,
    {
      name: "build",
      title: "the daemon and the harness",
      run: () => build("--filter=@rehandle/bench..."),
      needed: true,
    },
    // "node" is the newer one of development, which can run the micro benchmarks' sources.
    { name: "bench", title: "ours and its peers in turns", run: () => run(["node", bench, ...benchArgs]) },
  ]);
  return exitCode(results);
}

/** Runs the whole pipeline or the steps that are named, and ends with a line that counts. */
async function testVerb(/** @type {string[]} */ names) {
  const unknown = names.find((name) => !testSteps.some((step) => step.name === name));
  if (unknown !== undefined) {
    console.error(`There is no step ${unknown}; there are ${testSteps.map((step) => step.name).join(", ")}`);
    return 2;
  }
  const wanted = (/** @type {Step} */ step) => names.length === 0 || step === installation || names.includes(step.name);
  const results = await runSteps(testSteps.filter(wanted));
  printSummary(results);
  console.log(`\n${countLine(results)}`);
  return exitCode(results);
}

/** Installs and runs changesets, which starts pnpm to bring the lockfile up to date and so is itself started by pnpm. */
async function changesetVerb(/** @type {string[]} */ changesetArgs) {
  const results = await runSteps([
    installation,
    {
      name: "changeset",
      title: "versions and their notes",
      run: () => run(pnpm("exec", "changeset", ...changesetArgs)),
    },
  ]);
  return exitCode(results);
}

/** Where the guest cannot be made, the suites that need it say so and are skipped; under `CI` that is a failure. */
async function prepareGuest() {
  const code = await run([systemNode(), guestPreparation]);
  if (code !== 0) console.log("There is no guest, AND THE SUITES THAT NEED ONE WILL BE SKIPPED OR FAIL");
  return process.env.CI ? code : 0;
}

/** Builds through turbo, which starts pnpm for each package and so is itself started by pnpm. */
function build(/** @type {string[]} */ ...turboArgs) {
  return run(pnpm("exec", "turbo", "run", "build", "--output-logs=errors-only", "--concurrency=2", ...turboArgs));
}

/**
 * A step that runs the script of that name in package.json.
 * @param {string} name
 * @param {string} title
 * @returns {Step}
 */
function script(name, title) {
  const line = manifest.scripts[name];
  if (line === undefined) throw new Error(`package.json has no script ${name}`);
  return { name, title: `${title} (${line})`, run: () => run([line]) };
}
