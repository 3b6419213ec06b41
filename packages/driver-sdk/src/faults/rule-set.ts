import type { BlockRequest } from "../lib/block-request.ts";
import type { Random } from "../lib/random.ts";
import type { FaultAttempt } from "./fault-attempt.ts";
import type { Delay, FaultRule, FaultRuleHandle } from "./fault-rule.ts";

/** A rule with its counts. */
class ArmedRule {
  readonly rule: FaultRule;
  hits = 0;
  #seen = 0;

  constructor(rule: FaultRule) {
    this.rule = rule;
  }

  /** True, and counted, if the rule applies to a request at `now` ms after open. */
  applies(request: BlockRequest, now: number, random: Random): boolean {
    const { operations, range, from = 0, until = Infinity, probability = 1, skip = 0, count = Infinity } = this.rule;
    if (operations !== undefined && !operations.includes(request.operation)) return false;
    if (range !== undefined && !touches(request, range)) return false;
    if (now < from || now >= until || this.hits >= count) return false;
    if (probability < 1 && random() >= probability) return false;
    this.#seen += 1;
    if (this.#seen <= skip) return false;
    this.hits += 1;
    return true;
  }
}

/** The rules of a driver, in order. */
export class RuleSet {
  #rules: readonly ArmedRule[];

  constructor(rules: readonly FaultRule[]) {
    this.#rules = rules.map((rule) => new ArmedRule(rule));
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  add(rule: FaultRule): FaultRuleHandle {
    const armed = new ArmedRule(rule);
    this.#rules = [...this.#rules, armed];
    return {
      get hits() {
        return armed.hits;
      },
      remove: () => void (this.#rules = this.#rules.filter((other) => other !== armed)),
    };
  }

  /** Notes the effect in the attempt; gives the ms that latency rules add. */
  decide(attempt: FaultAttempt, request: BlockRequest, now: number, random: Random): number {
    let delay = 0;
    for (const armed of this.#rules) {
      if (!armed.applies(request, now, random)) continue;
      const { effect } = armed.rule;
      if (effect.type !== "latency") {
        attempt.effect = effect;
        return delay;
      }
      delay += drawDelay(effect.ms, random);
    }
    return delay;
  }
}

function touches(request: BlockRequest, range: { readonly offset: number; readonly length: number }): boolean {
  if (request.length === 0) return false;
  return request.offset < range.offset + range.length && range.offset < request.offset + request.length;
}

/** The ms that a delay stands for this time. */
export function drawDelay(delay: Delay, random: Random): number {
  return typeof delay === "number" ? delay : delay[0] + random() * (delay[1] - delay[0]);
}
