import { parseJsonText, writeJson } from "@rehandle/json";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SAMPLE_SCHEMA } from "../testing/sample-schema.ts";
import { readArgumentTree } from "./argument-tree.ts";
import { splitWords } from "./split-words.ts";
import { typeArguments } from "./type-arguments.ts";

/** The arguments that a line would send, or why it would not be sent. */
function sent(line: string, schema = SAMPLE_SCHEMA): string {
  const [name = "", ...words] = splitWords(line).words.map(({ text }) => text);
  const command = schema.commands.get(name) ?? { name, allowOob: false, features: [] };
  try {
    return writeJson(typeArguments(schema, command, readArgumentTree(words)));
  } catch (error) {
    return (error as Error).message;
  }
}

describe("by the peer's schema", () => {
  test.for([
    ["do-it id=5", '{"id": "5"}'],
    ["do-it id=on size=10G", '{"id": "on", "size": 10737418240}'],
    ["do-it id=x size=-1", '{"id": "x", "size": -1}'],
    ["do-it id=x size=0x10", '{"id": "x", "size": 16}'],
    ["do-it id=x size=18446744073709551615", '{"id": "x", "size": 18446744073709551615}'],
    ["do-it id=x ratio=2", '{"id": "x", "ratio": 2}'],
    ["do-it id=x ratio=1.5e3", '{"id": "x", "ratio": 1500}'],
    ["do-it id=x force=on", '{"id": "x", "force": true}'],
    ["do-it id=x force=false", '{"id": "x", "force": false}'],
    ["do-it id={x} force=off", '{"id": "{x}", "force": false}'],
    [`do-it id='a "b" c'`, String.raw`{"id": "a \"b\" c"}`],
    [
      "do-it id=x addr.type=inet addr.host=h addr.port=5",
      '{"id": "x", "addr": {"type": "inet", "host": "h", "port": 5}}',
    ],
    ['do-it id=x addr={"type": "unix", "path": "/p"}', '{"id": "x", "addr": {"type": "unix", "path": "/p"}}'],
    ["do-it id=x peers.0.type=unix peers.0.path=/p", '{"id": "x", "peers": [{"type": "unix", "path": "/p"}]}'],
    ["do-it id=x tags.0=5 tags.1=b", '{"id": "x", "tags": ["5", "b"]}'],
    ["do-it id=x tags=['a']", '{"id": "x", "tags": ["a"]}'],
    ["do-it id=x node=n", '{"id": "x", "node": "n"}'],
    ["do-it id=x node=null", '{"id": "x", "node": null}'],
    ["do-it id=x node='null'", '{"id": "x", "node": "null"}'],
    ["do-it id=x node.type=unix node.path=/p", '{"id": "x", "node": {"type": "unix", "path": "/p"}}'],
    ["do-it id=x mode=on", '{"id": "x", "mode": true}'],
    ["do-it id=x mode=5", '{"id": "x", "mode": 5}'],
    ["do-it id=x mode=inet", '{"id": "x", "mode": "inet"}'],
    ["do-it id=x extra=true", '{"id": "x", "extra": true}'],
    ["do-it id=x id=y", '{"id": "y"}'],
    ["device_add path=/p bus=pci.0 n=5", '{"path": "/p", "bus": "pci.0", "n": 5}'],
    ["unheard-of a=1 b=x", '{"a": 1, "b": "x"}'],
  ] as const)("%s", ([line, expected]) => {
    expect(sent(line)).toBe(expected);
  });

  test.for([
    ["do-it", "Parameter 'id' is missing"],
    ["do-it id", "Expected '=' after parameter 'id'"],
    ["do-it id=x a..b=1", "Invalid parameter 'a..b'"],
    ["do-it id=x colour=red", "Parameter 'colour' is unexpected"],
    ["do-it id=x addr.type=unix addr.path=/p addr.host=h", "Parameter 'addr.host' is unexpected"],
    ["do-it id=x addr.type=unix", "Parameter 'addr.path' is missing"],
    ["do-it id=x addr.type=vsock", "Parameter 'type' does not accept value 'vsock'"],
    ["do-it id=x addr=y", "Invalid parameter type for 'addr', expected: object"],
    ["do-it id=x tags=y", "Invalid parameter type for 'tags', expected: array"],
    ["do-it id=x tags=[5]", "Invalid parameter type for 'tags[0]', expected: string"],
    ["do-it id=x tags.1=a", "Parameter 'tags.0' missing"],
    ["do-it id.x=1", "Parameters 'id.*' are unexpected"],
    ["do-it id=x addr=1 addr.type=unix", "Parameters 'addr.*' used inconsistently"],
    ["do-it id=x size=ten", "Parameter 'size' expects integer"],
    ["do-it id=x size=1.5", "Parameter 'size' expects integer"],
    ["do-it id=x size=18446744073709551616", "Parameter 'size' expects integer"],
    ["do-it id=x ratio=x", "Invalid parameter type for 'ratio', expected: number"],
    ["do-it id=x force=maybe", "Parameter 'force' expects 'on' or 'off'"],
    ["do-it id=x mode=maybe", "Parameter 'mode' does not accept value 'maybe'"],
    ["do-it id=x mode.a=1", "Invalid parameter type for 'mode', expected: boolean or int or string"],
    ["do-it id=x addr={]", "JSON parse error, expecting value"],
  ] as const)("%s is refused: %s", ([line, expected]) => {
    expect(sent(line)).toBe(expected);
  });
});

test("any JSON object comes through an unknown command as it was", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[a-z]+$/), fc.jsonValue()), (object) => {
      const expected = parseJsonText(JSON.stringify(object));
      const words = Object.entries(object).map(([key, value]) => {
        const text = JSON.stringify(value);
        return `${key}=${typeof value === "object" && value !== null ? text : `[${text}]`}`;
      });
      const unwrapped = Object.entries(object).map(([key, value]): [string, unknown] => {
        return [key, typeof value === "object" && value !== null ? value : [value]];
      });
      expect(expected.error).toBe(undefined);
      expect(sent(["any", ...words].join(" "))).toBe(
        writeJson(parseJsonText(JSON.stringify(Object.fromEntries(unwrapped))).value),
      );
    }),
  );
});

test("whatever is typed, it is sent or refused by a sentence", () => {
  const word = fc.oneof(
    fc.string(),
    fc.stringMatching(/^(id|size|addr|peers|tags|node|mode)(\.[a-z0-9]{0,4}){0,3}=[-0-9a-zG{}[\]"'., ]*$/),
  );
  fc.assert(
    fc.property(fc.array(word), (words) => {
      expect(sent(`do-it ${words.join(" ")}`)).toMatch(/^\{.*\}$|[Pp]aram|^JSON parse error|Expect|is not a string/);
    }),
    { numRuns: 1000 },
  );
});
