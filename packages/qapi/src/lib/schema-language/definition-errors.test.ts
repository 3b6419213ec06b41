import { describe, expect, test } from "vitest";
import { complaintOf, schemaOf } from "../../testing/schema-files.ts";

/** A case: a schema of one line, whose last definition is wrong, and what is said of it. */
type Case = readonly [text: string, message: string];

/** What is said of the only or last definition, without its place. */
function problemOf(text: string): string {
  return complaintOf(text)
    .replaceAll(/^schema\.json:(1: | In .*:$)/gm, "")
    .trim();
}

const check = (cases: readonly Case[]): void => {
  test.each(cases)("%s", (text, message) => {
    expect(problemOf(text)).toBe(message);
  });
};

describe("keys", () => {
  const kinds = "'enum', 'struct', 'union', 'alternate', 'command', 'event'";
  check([
    ["{}", `expression must have exactly one key ${kinds}`],
    ["{ 'foo': 'a' }", `expression must have exactly one key ${kinds}`],
    ["{ 'enum': 'Aa', 'struct': 'Aa', 'data': {} }", `expression must have exactly one key ${kinds}`],
    ["{ 'enum': [] }", "'enum' requires a string name"],
    ["{ 'enum': 'Aa' }", "enum misses key 'data'"],
    ["{ 'union': 'Aa', 'data': {} }", "union misses keys 'base', 'discriminator'"],
    [
      "{ 'enum': 'Aa', 'data': [], 'foo': true }",
      "enum has unknown key 'foo'\nValid keys are 'data', 'enum', 'features', 'if', 'prefix'.",
    ],
    [
      "{ 'event': 'AA', 'z': true, 'returns': 'Aa' }",
      "event has unknown keys 'returns', 'z'\nValid keys are 'boxed', 'data', 'event', 'features', 'if'.",
    ],
  ]);
});

describe("names", () => {
  check([
    ["{ 'struct': '', 'data': {} }", "struct has an invalid name"],
    ["{ 'struct': '5Aa', 'data': {} }", "struct has an invalid name"],
    ["{ 'command': 'a b' }", "command has an invalid name"],
    ["{ 'command': 'q_a' }", "command has an invalid name"],
    ["{ 'command': 'q-a' }", "command has an invalid name"],
    ["{ 'command': '__org.example-a' }", "command has an invalid name"],
    ["{ 'command': 'a_b' }", "name of command must not use uppercase or '_'"],
    ["{ 'command': 'aB' }", "name of command must not use uppercase or '_'"],
    ["{ 'event': 'A-B' }", "name of event must not use lowercase or '-'"],
    ["{ 'event': 'Ab' }", "name of event must not use lowercase or '-'"],
    ["{ 'struct': 'HUE', 'data': {} }", "name of struct must use CamelCase"],
    ["{ 'enum': 'Aa_Bb', 'data': [] }", "name of enum must use CamelCase"],
    ["{ 'struct': 'AaList', 'data': {} }", "struct name should not end in 'List'"],
    ["{ 'struct': 'Aa', 'data': { 'u': 'str' } }", "'data' member 'u' uses reserved name"],
    ["{ 'struct': 'Aa', 'data': { '*has-a': 'str' } }", "'data' member '*has-a' uses reserved name"],
    ["{ 'struct': 'Aa', 'data': { '*': 'str' } }", "'data' member '*' has an invalid name"],
    ["{ 'struct': 'Aa', 'data': { '**a': 'str' } }", "'data' member '**a' has an invalid name"],
    ["{ 'struct': 'Aa', 'data': { 'a_b': 'str' } }", "name of 'data' member 'a_b' must not use uppercase or '_'"],
    ["{ 'enum': 'Aa', 'data': [ 'A' ] }", "name of 'data' member 'A' must not use uppercase or '_'"],
    ["{ 'enum': 'Aa', 'data': [ '' ] }", "'data' member '' has an invalid name"],
    ["{ 'alternate': 'Aa', 'data': { 'a_b': 'str' } }", "name of 'data' member 'a_b' must not use uppercase or '_'"],
    ["{ 'command': 'a', 'features': [ 'b c' ] }", "'features' member 'b c' has an invalid name"],
    ["{ 'command': 'int' }", "built-in type 'int' is already defined"],
    ["{ 'enum': 'QType', 'data': [] }", "enum type 'QType' is already defined"],
  ]);

  test("older names are excepted by name", () => {
    const pragma = `{ 'pragma': { 'command-name-exceptions': [ 'a_b' ], 'member-name-exceptions': [ 'Aa', 'Bb' ] } }`;
    const text = `{ 'command': 'a_b' } { 'struct': 'Aa', 'data': { 'A_B': 'str' } } { 'enum': 'Bb', 'data': [ 'X_y' ] }`;
    expect(schemaOf(text + pragma).definitions).toHaveLength(3);
    expect(problemOf(`${pragma} { 'command': 'c_d' }`)).toBe("name of command must not use uppercase or '_'");
  });

  test("a vendor's prefix and x- do not count", () => {
    const text = `{ 'command': '__com.example_x-do-it', 'data': { '__org.q_x-a': 'str' } } { 'enum': 'Aa', 'data': [ '5', 'x-1a' ] }`;
    expect(schemaOf(`${text} { 'struct': '__com.example_Aa', 'data': {} }`).definitions).toHaveLength(3);
    const lower = "{ 'enum': 'Aa', 'data': [ '__com.example_a_b' ] }";
    expect(problemOf(lower)).toContain("must not use uppercase or '_'");
  });

  test("a second definition tells of the first", () => {
    expect(complaintOf("{ 'command': 'a' }\n{ 'command': 'a' }")).toBe(
      "schema.json: In command 'a':\nschema.json:2: 'a' is already defined\nschema.json: In command 'a':\nschema.json:1: previous definition",
    );
  });
});

describe("members", () => {
  check([
    ["{ 'struct': 'Aa', 'data': 'str' }", "'data' must be an object"],
    ["{ 'struct': 'Aa', 'data': true }", "'data' should be an object or type name"],
    ["{ 'struct': 'Aa', 'data': [ 'a' ] }", "'data' cannot be an array"],
    ["{ 'struct': 'Aa', 'data': { 'a': true } }", "'data' member 'a' should be a type name"],
    ["{ 'struct': 'Aa', 'data': { 'a': {} } }", "'data' member 'a' misses key 'type'"],
    ["{ 'struct': 'Aa', 'data': { 'a': { 'type': {} } } }", "'data' member 'a' should be a type name"],
    ["{ 'struct': 'Aa', 'data': { 'a': [] } }", "'data' member 'a': array type must contain single type name"],
    [
      "{ 'struct': 'Aa', 'data': { 'a': [ 'b', 'c' ] } }",
      "'data' member 'a': array type must contain single type name",
    ],
    ["{ 'struct': 'Aa', 'data': { 'a': [ [ 'b' ] ] } }", "'data' member 'a': array type must contain single type name"],
    [
      "{ 'struct': 'Aa', 'data': { 'a': { 'type': 'str', 'x': true } } }",
      "'data' member 'a' has unknown key 'x'\nValid keys are 'features', 'if', 'type'.",
    ],
    ["{ 'struct': 'Aa', 'data': { 'a': 'Bb' } }", "member 'a' uses unknown type 'Bb'"],
    ["{ 'struct': 'Aa', 'data': { 'a': [ 'Bb' ] } }", "struct uses unknown type 'Bb'"],
    ["{ 'command': 'a' } { 'struct': 'Aa', 'data': { 'b': 'a' } }", "member 'b' uses unknown type 'a'"],
    ["{ 'command': 'c', 'data': { 'a': 'Bb' } }", "parameter 'a' uses unknown type 'Bb'"],
    ["{ 'command': 'c', 'data': { 'a': [ 'Bb' ] } }", "command uses unknown type 'Bb'"],
    ["{ 'struct': 'Aa', 'data': { 'a-b': 'str', '*a-b': 'str' } }", "member 'a-b' collides with member 'a-b'"],
    ["{ 'command': 'c', 'data': { 'a-b': 'str', '*a-b': 'int' } }", "parameter 'a-b' collides with parameter 'a-b'"],
    [
      "{ 'struct': 'Aa', 'data': { 'a': { 'type': 'str', 'features': [ 'f', 'f' ] } } }",
      "feature 'f' collides with feature 'f'",
    ],
  ]);

  test("names that are the same in C collide", () => {
    const pragma = "{ 'pragma': { 'member-name-exceptions': [ 'Aa' ] } }";
    const text = `${pragma}{ 'struct': 'Aa', 'data': { 'a-b': 'str', 'a_b': 'str' } }`;
    expect(problemOf(text)).toBe("member 'a_b' collides with member 'a-b'");
  });
});

describe("enums", () => {
  check([
    ["{ 'enum': 'Aa', 'data': {} }", "'data' must be an array"],
    ["{ 'enum': 'Aa', 'data': [], 'prefix': true }", "'prefix' must be a string"],
    ["{ 'enum': 'Aa', 'data': [ true ] }", "'data' member requires a string name"],
    ["{ 'enum': 'Aa', 'data': [ [ 'a' ] ] }", "'data' member requires a string name"],
    ["{ 'enum': 'Aa', 'data': [ { 'if': 'A' } ] }", "'data' member misses key 'name'"],
    ["{ 'enum': 'Aa', 'data': [ 'a', 'a' ] }", "value 'a' collides with value 'a'"],
    ["{ 'enum': 'Aa', 'data': [ { 'name': 'a', 'features': 'b' } ] }", "'features' must be an array"],
  ]);
});

describe("structs and their bases", () => {
  const base = "{ 'struct': 'Base', 'data': { 'a': 'str' } } { 'enum': 'Ee', 'data': [ 'x' ] }";
  check([
    ["{ 'struct': 'Aa', 'data': {}, 'base': {} }", "'base' should be a type name"],
    ["{ 'struct': 'Aa', 'data': {}, 'base': [ 'Bb' ] }", "'base' cannot be an array"],
    ["{ 'struct': 'Aa', 'data': {}, 'base': 'Bb' }", "'base' uses unknown type 'Bb'"],
    ["{ 'struct': 'Aa', 'data': {}, 'base': 'int' }", "'base' requires a struct type, built-in type 'int' isn't"],
    [`${base} { 'struct': 'Aa', 'data': {}, 'base': 'Ee' }`, "'base' requires a struct type, enum type 'Ee' isn't"],
    [
      `${base} { 'struct': 'Aa', 'data': { 'a': 'int' }, 'base': 'Base' }`,
      "member 'a' collides with member 'a' of type 'Base'",
    ],
    ["{ 'struct': 'Aa', 'data': {}, 'base': 'Aa' }", "object Aa contains itself"],
    [
      "{ 'struct': 'Aa', 'data': {}, 'base': 'Bb' } { 'struct': 'Bb', 'data': {}, 'base': 'Aa' }",
      "object Aa contains itself",
    ],
  ]);

  test("bases have an end", () => {
    const chain = (from: number, to: number): string[] =>
      Array.from(
        { length: to - from },
        (_, i) => `{ 'struct': 'S${from + i}a', 'data': {}, 'base': 'S${from + i + 1}a' }`,
      );
    const last = "{ 'struct': 'S100a', 'data': {} }";
    const tooDeep = "'base' nested deeper than 64 levels";
    expect(schemaOf([...chain(40, 100), last].join("")).definitions).toHaveLength(61);
    expect(problemOf([...chain(0, 100), last].join(""))).toBe(tooDeep);
    expect(problemOf([last, ...chain(0, 100).toReversed()].join(""))).toBe(tooDeep);
  });
});

describe("unions", () => {
  const types =
    "{ 'enum': 'Ee', 'data': [ 'x', 'y' ] } { 'struct': 'Ss', 'data': { 'a': 'str' } } { 'struct': 'Base', 'data': { 'e': 'Ee', 'a': 'str', '*o': 'Ee' } }";
  const union = (base: string, data: string, discriminator = "'e'"): string =>
    `${types} { 'union': 'Uu', 'base': ${base}, 'discriminator': ${discriminator}, 'data': ${data} }`;
  check([
    [union("{ 'e': 'Ee' }", "[]"), "'data' must be an object"],
    [union("true", "{}"), "'base' should be an object or type name"],
    [union("[ 'Ss' ]", "{}"), "'base' cannot be an array"],
    [union("'Xx'", "{}"), "'base' uses unknown type 'Xx'"],
    [union("'Ee'", "{}"), "'base' requires a struct type, enum type 'Ee' isn't"],
    [union("{ 'e': 'Xx' }", "{}"), "base member 'e' uses unknown type 'Xx'"],
    [union("{ 'e': 'Ee' }", "{}", "true"), "'discriminator' requires a string name"],
    [union("{}", "{}"), "discriminator 'e' is not a member of 'base'"],
    [union("{ 'f': 'Ee' }", "{}"), "discriminator 'e' is not a member of 'base'"],
    [union("'Ss'", "{}", "'a'"), "discriminator member 'a' of base type 'Ss' must be of enum type"],
    [union("{ 'e': 'str' }", "{}"), "discriminator member 'e' of 'base' must be of enum type"],
    [union("{ 'e': [ 'Ee' ] }", "{}"), "discriminator member 'e' of 'base' must be of enum type"],
    [union("{ '*e': 'Ee' }", "{}"), "discriminator member 'e' of 'base' must not be optional"],
    [union("'Base'", "{}", "'o'"), "discriminator member 'o' of base type 'Base' must not be optional"],
    [union("{ 'e': { 'type': 'Ee', 'if': 'A' } }", "{}"), "discriminator member 'e' of 'base' must not be conditional"],
    [union("{ 'e': 'Ee' }", "{ 'z': 'Ss' }"), "branch 'z' is not a value of enum type 'Ee'"],
    [union("{ 'e': 'Ee' }", "{ 'x': 'Xx' }"), "branch 'x' uses unknown type 'Xx'"],
    [union("{ 'e': 'Ee' }", "{ 'x': 'str' }"), "branch 'x' cannot use built-in type 'str'"],
    [union("{ 'e': 'Ee' }", "{ 'x': 'Uu' }"), "branch 'x' cannot use union type 'Uu'"],
    [union("{ 'e': 'Ee' }", "{ 'x': [ 'Ss' ] }"), "'data' member 'x' cannot be an array"],
    [union("{ 'e': 'Ee' }", "{ 'x': true }"), "'data' member 'x' should be a type name"],
    [
      union("{ 'e': 'Ee' }", "{ 'x': { 'type': 'Ss', 'features': [] } }"),
      "'data' member 'x' has unknown key 'features'\nValid keys are 'if', 'type'.",
    ],
    [union("{ 'e': 'Ee', 'a': 'str' }", "{ 'x': 'Ss' }"), "member 'a' of type 'Ss' collides with base member 'a'"],
    [union("'Base'", "{ 'x': 'Ss' }"), "member 'a' of type 'Ss' collides with member 'a' of type 'Base'"],
    [
      `{ 'enum': 'Nn', 'data': [] } { 'union': 'Uu', 'base': { 'e': 'Nn' }, 'discriminator': 'e', 'data': {} }`,
      "union has no branches",
    ],
  ]);

  test("two branches may share names, and values need no branch", () => {
    expect(schemaOf(union("{ 'e': 'Ee' }", "{ 'x': 'Ss', 'y': 'Ss' }")).definitions).toHaveLength(4);
    expect(schemaOf(union("{ 'e': 'Ee' }", "{}")).definitions).toHaveLength(4);
  });
});

describe("alternates", () => {
  const types =
    "{ 'enum': 'Ee', 'data': [ 'x' ] } { 'enum': 'OnOff', 'data': [ 'on' ] } { 'enum': 'Num', 'data': [ '5a' ] } { 'struct': 'Ss', 'data': {} }";
  const alternate = (data: string): string => `${types} { 'alternate': 'Al', 'data': ${data} }`;
  const cannot = "branch 'b' can't be distinguished from 'a'";
  check([
    [alternate("{}"), "'data' must not be empty"],
    [alternate("[ 'a' ]"), "'data' must be an object"],
    [alternate("{ 'a': 'Xx' }"), "branch 'a' uses unknown type 'Xx'"],
    [alternate("{ 'a': 'any' }"), "branch 'a' cannot use built-in type 'any'"],
    [alternate("{ 'a': 'Al' }"), "branch 'a' cannot use alternate type 'Al'"],
    [alternate("{ 'a': [ 'str', 'int' ] }"), "'data' member 'a': array type must contain single type name"],
    [alternate("{ 'a': 'str', 'b': 'Ee' }"), cannot],
    [alternate("{ 'a': 'str', 'b': 'int' }"), cannot],
    [alternate("{ 'a': 'str', 'b': 'bool' }"), cannot],
    [alternate("{ 'a': 'bool', 'b': 'str' }"), cannot],
    [alternate("{ 'a': 'int', 'b': 'number' }"), cannot],
    [alternate("{ 'a': 'OnOff', 'b': 'bool' }"), cannot],
    [alternate("{ 'a': 'int', 'b': 'Num' }"), cannot],
    [alternate("{ 'a': 'Ss', 'b': 'Ss' }"), cannot],
    [alternate("{ 'a': [ 'str' ], 'b': [ 'int' ] }"), cannot],
  ]);

  test("one branch for each kind of value", () => {
    const data = "{ 'a': 'Ee', 'b': 'int', 'c': 'bool', 'd': 'null', 'e': 'Ss', 'f': [ 'str' ] }";
    expect(schemaOf(alternate(data)).definitions).toHaveLength(5);
  });
});

describe("commands and events", () => {
  const types =
    "{ 'enum': 'Ee', 'data': [ 'x' ] } { 'struct': 'Ss', 'data': {} } { 'union': 'Uu', 'base': { 'e': 'Ee' }, 'discriminator': 'e', 'data': {} } { 'alternate': 'Al', 'data': { 'a': 'str' } }";
  const command = (rest: string): string => `${types} { 'command': 'c', ${rest} }`;
  const event = (rest: string): string => `${types} { 'event': 'EV', ${rest} }`;
  check([
    [command("'boxed': true"), "'boxed': true requires 'data'"],
    [command("'boxed': true, 'data': {}"), "'data' should be a type name"],
    [command("'boxed': false, 'data': {}"), "flag 'boxed' may only use true value"],
    [command("'data': [ 'Ss' ]"), "'data' cannot be an array"],
    [command("'data': true"), "'data' should be an object or type name"],
    [command("'data': 'Xx'"), "command's 'data' uses unknown type 'Xx'"],
    [command("'data': 'int'"), "command's 'data' cannot take built-in type 'int'"],
    [command("'data': 'Al', 'boxed': true"), "command's 'data' cannot take alternate type 'Al'"],
    [command("'data': 'Uu'"), "command's 'data' can take union type 'Uu' only with 'boxed': true"],
    [command("'returns': {}"), "'returns' should be a type name"],
    [command("'returns': [ 'Xx' ]"), "command uses unknown type 'Xx'"],
    [command("'returns': 'Xx'"), "command's 'returns' uses unknown type 'Xx'"],
    [command("'returns': 'int'"), "command's 'returns' cannot take built-in type 'int'"],
    [command("'returns': [ 'Ee' ]"), "command's 'returns' cannot take array type ['Ee']"],
    [command("'gen': true"), "flag 'gen' may only use false value"],
    [command("'success-response': true"), "flag 'success-response' may only use false value"],
    [command("'allow-oob': 'x'"), "flag 'allow-oob' may only use true value"],
    [command("'allow-preconfig': false"), "flag 'allow-preconfig' may only use true value"],
    [command("'coroutine': false"), "flag 'coroutine' may only use true value"],
    [command("'allow-oob': true, 'coroutine': true"), "flags 'allow-oob' and 'coroutine' are incompatible"],
    [event("'data': 'Uu'"), "event's 'data' can take union type 'Uu' only with 'boxed': true"],
    [event("'data': 'Ee'"), "event's 'data' cannot take enum type 'Ee'"],
    [event("'data': 'Xx'"), "event's 'data' uses unknown type 'Xx'"],
    [event("'boxed': true"), "'boxed': true requires 'data'"],
  ]);

  test("what is allowed", () => {
    const exception = "{ 'pragma': { 'command-returns-exceptions': [ 'c' ] } }";
    expect(schemaOf(exception + command("'returns': [ 'str' ]")).definitions).toHaveLength(5);
    expect(
      schemaOf(command("'data': 'Uu', 'boxed': true, 'returns': [ 'Uu' ], 'gen': false")).definitions.at(-1),
    ).toMatchObject({
      isBoxed: true,
      isChecked: false,
      isAnswered: true,
    });
    expect(schemaOf(event("'data': 'Ss'")).definitions.at(-1)).toMatchObject({ data: "Ss", isBoxed: false });
  });
});

describe("conditions and features", () => {
  const useless = "'if' condition [] of command is useless";
  const command = (rest: string): string => `{ 'command': 'c', ${rest} }`;
  check([
    [command("'if': ''"), "'if' condition '' of command is not a valid identifier"],
    [command("'if': 'a'"), "'if' condition 'a' of command is not a valid identifier"],
    [command("'if': true"), "'if' condition of command must be a string or an object"],
    [command("'if': [ 'A' ]"), "'if' condition of command must be a string or an object"],
    [command("'if': {}"), "'if' condition of command has conflicting keys"],
    [command("'if': { 'all': [ 'A' ], 'not': 'B' }"), "'if' condition of command has conflicting keys"],
    [
      command("'if': { 'none': 'A' }"),
      "'if' condition of command has unknown key 'none'\nValid keys are 'all', 'any', 'not'.",
    ],
    [command("'if': { 'any': 'A' }"), "'any' condition of command must be an array"],
    [command("'if': { 'all': [] }"), useless],
    [command("'if': { 'not': { 'any': [ { 'all': [] } ] } }"), useless],
    [
      "{ 'struct': 'Aa', 'data': { 'a': { 'type': 'str', 'if': [] } } }",
      "'if' condition of 'data' member 'a' must be a string or an object",
    ],
    [
      command("'features': [ { 'name': 'f', 'if': 'a' } ]"),
      "'if' condition 'a' of 'features' member 'f' is not a valid identifier",
    ],
    [command("'features': 'f'"), "'features' must be an array"],
    [command("'features': [ {} ]"), "'features' member misses key 'name'"],
    [command("'features': [ true ]"), "'features' member requires a string name"],
    [
      command("'features': [ { 'name': 'f', 'type': 'x' } ]"),
      "'features' member has unknown key 'type'\nValid keys are 'if', 'name'.",
    ],
    [command("'features': [ 'f', 'f' ]"), "feature 'f' collides with feature 'f'"],
    ["{ 'struct': 'Aa', 'data': {}, 'features': [ 'deprecated' ] }", "feature 'deprecated' is not supported for types"],
    ["{ 'enum': 'Aa', 'data': [], 'features': [ 'unstable' ] }", "feature 'unstable' is not supported for types"],
  ]);
});
