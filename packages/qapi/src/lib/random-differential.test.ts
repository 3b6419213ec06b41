import { describe, expect, test } from "vitest";
import { Dice } from "../testing/fuzz/dice.ts";
import { schemaFromIntrospection } from "../testing/introspected-schema.ts";
import {
  converse,
  hasQemu,
  hasStorageDaemon,
  monitorOf,
  QEMU,
  STORAGE_DAEMON,
  type Peer,
} from "../testing/qemu-monitor.ts";
import { wrongArguments } from "../testing/wrong-arguments.ts";
import type { SchemaInfo } from "./generated/types.ts";
import { createQmpServer } from "./qmp-server.ts";
import type { Schema } from "./schema.ts";

const SEED = 7;
const REQUESTS = 600;
/** Checks its arguments by itself. */
const OPEN_COMMANDS = new Set(["device_add"]);

/** Our server with all of the peer's commands, of which none does anything. */
function startOurs(schema: Schema): (onText: (text: string) => void) => Peer {
  return (onText) => {
    const commands = Object.fromEntries(Object.keys(schema.commands).map((name) => [name, () => {}]));
    const server = createQmpServer({
      schema,
      version: { major: 7, minor: 2, micro: 22 },
      clock: { realtime: () => 0 },
      commands,
    });
    const session = server.attach({
      write: (bytes) => onText(Buffer.from(bytes).toString("latin1")),
      pendingBytes: () => 0,
      end: () => {},
      destroy: () => {},
    });
    return { send: (bytes) => session.receive(bytes), close: () => server.close() };
  };
}

/** Introspection tells neither an alternate's name nor how an integer is signed. */
function normal(lines: readonly string[]): string[] {
  return lines.map((line) =>
    line
      .replace(/Parameter '([^']*)' expects uint64/, "Invalid parameter type for '$1', expected: integer")
      .replace(/expected: (?!(string|integer|number|boolean|null|array|object)")[A-Za-z0-9]+"/, 'expected: ALTERNATE"'),
  );
}

describe.each([
  { program: STORAGE_DAEMON, isThere: hasStorageDaemon() },
  { program: QEMU, isThere: hasQemu() },
])("nearly right arguments of all commands, compared with $program", ({ program, isThere }) => {
  test.runIf(isThere)(`${REQUESTS} of seed ${SEED}`, { timeout: 120_000 }, async () => {
    const ask = ['{"execute":"qmp_capabilities"}', '{"execute":"query-qmp-schema"}'];
    const [, , told] = await converse(ask, monitorOf(program));
    const { return: entries } = JSON.parse(told?.[0] ?? "") as { return: SchemaInfo[] };
    const schema = schemaFromIntrospection(entries);
    const names = Object.keys(schema.commands)
      .filter((name) => !OPEN_COMMANDS.has(name))
      .toSorted();
    const dice = new Dice(SEED);
    const texts = Array.from({ length: REQUESTS }, (_, i) => {
      const name = dice.pick(names);
      return `{"execute": "${name}", "arguments": ${wrongArguments(dice, schema, name)}, "id": ${i}}`;
    });
    const all = ['{"execute":"qmp_capabilities"}', ...texts];
    const [theirs, ours] = await Promise.all([converse(all, monitorOf(program)), converse(all, startOurs(schema))]);
    const pairs = (answers: readonly string[][]): unknown[] =>
      all.map((text, i) => ({ text, answer: normal(answers[i + 1] ?? []) }));
    expect(pairs(ours)).toEqual(pairs(theirs));
    // Mistakes of every kind were made.
    const said = theirs.join();
    for (const kind of ["is missing", "is unexpected", "does not accept value", "expected: "])
      expect(said).toContain(kind);
  });
});
