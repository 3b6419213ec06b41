import type { Random } from "../lib/random.ts";
import type { DisconnectOptions, FaultAction, FaultStep, InFlightFate } from "./fault-action.ts";
import type { FaultEffect, FaultRule } from "./fault-rule.ts";

/**
 * A kind of trouble that a random plan may hold. `disconnect`: the connection is lost for a while; `crash`: so it is, and the
 * storage restarts; `freeze`: nothing answers; `errors`: a share of the requests fails with EIO or a lost connection, some
 * torn; `latency`: everything is slow; `stall`: a few requests get no answer.
 */
export type FaultEpisode = "disconnect" | "crash" | "freeze" | "errors" | "latency" | "stall";

/** Options of {@link createFaultPlan}. */
export interface FaultPlanOptions {
  /** All is well again from so many ms after `open` on. Default 10000. */
  readonly duration?: number;
  /** The most episodes; at least one. Default 4. */
  readonly episodes?: number;
  /** Default: all. */
  readonly kinds?: readonly FaultEpisode[];
  /** What may become of changes in flight. Default: every fate. */
  readonly fates?: readonly InFlightFate[];
}

/** Rules and a script: what `createFaultDriver` takes. */
export interface FaultPlan {
  readonly rules: readonly FaultRule[];
  readonly script: readonly FaultStep[];
}

const KINDS: readonly FaultEpisode[] = ["disconnect", "crash", "freeze", "errors", "latency", "stall"];
const FATES: readonly InFlightFate[] = ["lost", "landed", "torn", "zombie"];

/**
 * Draws a plan of faults that overlap as they like and end by `duration`: then the connection is back, nothing is frozen or
 * stalled, and no rule applies any more. No acknowledged write is lost but by a crash before a flush.
 *
 * ```ts no-run
 * const plan = createFaultPlan(createRandom(seed), { duration: 5000 });
 * const disk = createFaultDriver(inner, { ...plan, latency: [0, 20], volatileCache: true });
 * ```
 */
export function createFaultPlan(random: Random, options: FaultPlanOptions = {}): FaultPlan {
  const { duration = 10_000, episodes = 4, kinds = KINDS, fates = FATES } = options;
  const rules: FaultRule[] = [];
  const script: FaultStep[] = [];
  for (let left = 1 + Math.floor(random() * episodes); left > 0; left -= 1) {
    const from = Math.floor(random() * duration);
    const until = Math.min(duration, from + 1 + Math.floor(random() * random() * duration));
    const kind = kinds[Math.floor(random() * kinds.length)] ?? "disconnect";
    const rule = ruleOf(kind, random);
    if (rule !== null) rules.push({ ...rule, from, until });
    else script.push(...stepsOf(kind, from, until, random, fates));
  }
  const heal: readonly FaultAction[] = [{ type: "thaw" }, { type: "release" }, { type: "connect" }];
  script.push(...heal.map((action) => ({ at: duration, action })));
  return { rules, script };
}

function ruleOf(kind: FaultEpisode, random: Random): Pick<FaultRule, "probability" | "effect" | "count"> | null {
  if (kind === "errors") return { probability: random(), effect: errorOf(random) };
  if (kind === "latency")
    return { probability: 0.2 + 0.8 * random(), effect: { type: "latency", ms: [0, random() * 1000] } };
  if (kind === "stall")
    return { probability: random(), count: 1 + Math.floor(random() * 4), effect: { type: "stall" } };
  return null;
}

function errorOf(random: Random): FaultEffect {
  const code = random() < 0.5 ? "EIO" : "ECONNRESET";
  return random() < 0.3 ? { type: "torn", code } : { type: "error", code };
}

function stepsOf(
  kind: FaultEpisode,
  from: number,
  until: number,
  random: Random,
  fates: readonly InFlightFate[],
): FaultStep[] {
  if (kind === "freeze") {
    return [
      { at: from, action: { type: "freeze" } },
      { at: until, action: { type: "thaw" } },
    ];
  }
  const loss: DisconnectOptions = { fates, zombieDelay: [0, 2 * (until - from)] };
  const survive = random() < 0.3 ? "none" : "random";
  const steps: FaultStep[] = [
    { at: from, action: kind === "crash" ? { type: "crash", survive, ...loss } : { type: "disconnect", ...loss } },
    { at: until, action: { type: "connect" } },
  ];
  if (random() < 0.2) steps.push({ at: from + random() * (until - from), action: { type: "refuse" } });
  return steps;
}
