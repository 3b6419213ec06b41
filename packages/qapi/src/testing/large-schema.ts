/** How much of each kind there is; the default is what QEMU 7.2 has. */
export interface SchemaSize {
  readonly files: number;
  readonly enums: number;
  readonly structs: number;
  readonly unions: number;
  readonly alternates: number;
  readonly commands: number;
  readonly events: number;
}

export const QEMU_SIZE: SchemaSize = {
  files: 38,
  enums: 155,
  structs: 418,
  unions: 39,
  alternates: 6,
  commands: 220,
  events: 52,
};

const BUILTINS = [
  "str",
  "number",
  "int",
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
  "size",
  "bool",
  "any",
  "null",
];
const WORDS =
  "node drive size offset policy mode state path name index limit count queue level address port flag mask depth cache".split(
    " ",
  );
const CONDITIONS = [
  "'CONFIG_A'",
  "'CONFIG_B'",
  "{ 'not': 'CONFIG_C' }",
  "{ 'any': [ 'TARGET_X', { 'all': [ 'CONFIG_A', 'TARGET_Y' ] } ] }",
];

/**
 * Makes a schema's files, `qapi-schema.json` first, of all that the language has: comments, conditions, features, bases,
 * inline and named ones, references forward and in circles. The same size and seed give the same schema.
 */
export function largeSchema(size: SchemaSize = QEMU_SIZE, seed = 1): ReadonlyMap<string, string> {
  const maker = new SchemaMaker(size, seed);
  const definitions = maker.definitions();
  const files = new Map<string, string>();
  const parts = size.files - 1;
  const includes = Array.from({ length: parts }, (_, i) => `{ 'include': 'part/${i}.json' }\n`);
  files.set(
    "qapi-schema.json",
    `# A schema made for tests\n{ 'pragma': { 'doc-required': true } }\n${includes.join("")}`,
  );
  for (let i = 0; i < parts; i++) {
    const text = definitions.filter((_, at) => at % parts === i).join("\n");
    const again = `{ 'include': '${(i * 7) % parts < i ? `../part/${(i * 7) % parts}` : "../part/./0"}.json' }\n`;
    files.set(`part/${i}.json`, `##\n# = Part ${i}\n##\n\n${i === 0 ? "" : again}${text}`);
  }
  return files;
}

class SchemaMaker {
  readonly #size: SchemaSize;
  #state: number;

  constructor(size: SchemaSize, seed: number) {
    this.#size = size;
    this.#state = seed;
  }

  definitions(): string[] {
    const { enums, structs, unions, alternates, commands, events } = this.#size;
    const make = (count: number, one: (i: number) => string): string[] =>
      Array.from({ length: count }, (_, i) => one(i));
    const all = [
      make(structs, (i) => this.#struct(i)),
      make(commands, (i) => this.#command(i)),
      make(enums, (i) => this.#enum(i)),
      make(unions, (i) => this.#union(i)),
      make(events, (i) => this.#event(i)),
      make(alternates, (i) => this.#alternate(i)),
    ].flat();
    // Shuffled, so that most references lead forward as often as back.
    return all
      .map((text) => ({ text, key: this.#next(1 << 30) }))
      .toSorted((a, b) => a.key - b.key)
      .map(({ text }) => text);
  }

  #enum(i: number): string {
    const values = Array.from(
      { length: i === 0 ? 150 : this.#next(8) },
      (_, v) => `${this.#next(4) === 0 ? v : `v${v}`}-${this.#word()}`,
    );
    const items = values.map((name) =>
      this.#next(12) === 0 ? `{ 'name': '${name}', 'if': ${this.#condition()} }` : `'${name}'`,
    );
    return this.#comment(
      `Enum${i}x`,
      values,
      [],
      `{ 'enum': 'Enum${i}x',\n  'data': [ ${items.join(",\n            ")} ] }`,
    );
  }

  #struct(i: number): string {
    // A base comes earlier by number and its members have its number, so that neither bases nor names go in circles.
    const base = i >= 10 && i % 5 === 4 ? `\n  'base': 'Struct${i % 10 === 9 ? i - 5 : i - 1}x',` : "";
    const members = this.#members(`s${i}`, 2 + this.#next(i === 2 ? 30 : 7));
    return this.#comment(
      `Struct${i}x`,
      members.names,
      members.features,
      `{ 'struct': 'Struct${i}x',${base}\n  'data': ${members.text} }`,
    );
  }

  #union(i: number): string {
    const branches = Array.from({ length: 1 + this.#next(i === 0 ? 40 : 4) }, (_, v) => `b${v}`);
    const tag = `Tag${i}x`;
    const enumText = this.#comment(
      tag,
      [],
      [],
      `{ 'enum': '${tag}', 'data': [ ${[...branches, "plain"].map((name) => `'${name}'`).join(", ")} ] }`,
    );
    const data = branches
      .map((name) => `'${name}': 'Struct${this.#next(this.#size.structs)}x'`)
      .join(",\n            ");
    const members = this.#members(`u${i}`, 2);
    const inline = `{ 'tag': '${tag}', ${members.text.slice(1)}`;
    const baseText = this.#comment(
      `Base${i}x`,
      ["tag"],
      members.features,
      `{ 'struct': 'Base${i}x', 'data': ${inline} }`,
    );
    const isNamed = i % 2 === 0;
    const text = `{ 'union': 'Union${i}x',\n  'base': ${isNamed ? `'Base${i}x'` : inline},\n  'discriminator': 'tag',\n  'data': { ${data} } }`;
    const comment = this.#comment(`Union${i}x`, isNamed ? [] : ["tag"], isNamed ? [] : members.features, text);
    return [enumText, ...(isNamed ? [baseText] : []), comment].join("\n");
  }

  #alternate(i: number): string {
    const data = `{ 'definition': 'Union${i % this.#size.unions}x', 'reference': 'str', 'nothing': 'null'${i % 2 ? `, 'many': [ 'Struct${i}x' ]` : ""} }`;
    return this.#comment(`Alternate${i}x`, ["definition"], [], `{ 'alternate': 'Alternate${i}x',\n  'data': ${data} }`);
  }

  #command(i: number): string {
    const flags =
      ["", "", "", ",\n  'allow-oob': true", ",\n  'coroutine': true", ",\n  'allow-preconfig': true"][this.#next(6)] ??
      "";
    const returns = this.#next(2)
      ? `,\n  'returns': ${this.#next(2) ? `'Struct${i}x'` : `[ 'Union${i % this.#size.unions}x' ]`}`
      : "";
    const condition = this.#next(8) === 0 ? `,\n  'if': ${this.#condition()}` : "";
    if (i % 13 === 0)
      return this.#comment(
        `do-${i}`,
        [],
        [],
        `{ 'command': 'do-${i}',\n  'data': 'Union${i % this.#size.unions}x', 'boxed': true${returns}${flags} }`,
      );
    const members = this.#members("a", this.#next(5));
    const gen = i === 1 ? ",\n  'gen': false" : "";
    return this.#comment(
      `do-${i}`,
      members.names,
      members.features,
      `{ 'command': 'do-${i}',\n  'data': ${members.text}${returns}${flags}${gen}${condition} }`,
    );
  }

  #event(i: number): string {
    const members = this.#members("e", this.#next(4));
    return this.#comment(
      `EVENT_${i}`,
      members.names,
      members.features,
      `{ 'event': 'EVENT_${i}',\n  'data': ${members.text} }`,
    );
  }

  #members(prefix: string, count: number): { names: string[]; features: string[]; text: string } {
    const names = Array.from({ length: count }, (_, i) => `${prefix}-${this.#word()}-${i}`);
    const features: string[] = [];
    const items = names.map((name) => {
      const type = this.#next(4) === 0 ? `[ '${this.#type()}' ]` : `'${this.#type()}'`;
      const isOptional = this.#next(3) === 0;
      const extras: string[] = [];
      if (this.#next(20) === 0) extras.push(`'if': ${this.#condition()}`);
      if (this.#next(20) === 0) {
        const feature = ["deprecated", "unstable", "fast"][this.#next(3)] ?? "";
        if (!features.includes(feature)) features.push(feature);
        extras.push(`'features': [ '${feature}' ]`);
      }
      const value = extras.length === 0 ? type : `{ 'type': ${type}, ${extras.join(", ")} }`;
      return `'${isOptional ? "*" : ""}${name}': ${value}`;
    });
    return { names, features, text: `{ ${items.join(",\n            ")} }` };
  }

  #type(): string {
    const kinds: [string, number][] = [
      ["Enum", this.#size.enums],
      ["Struct", this.#size.structs],
      ["Union", this.#size.unions],
      ["Alternate", this.#size.alternates],
    ];
    const [kind, count] = kinds[this.#next(12)] ?? ["", 0];
    return count === 0 ? (BUILTINS[this.#next(BUILTINS.length)] ?? "str") : `${kind}${this.#next(count)}x`;
  }

  #comment(name: string, members: readonly string[], features: readonly string[], definition: string): string {
    const lines = [
      "##",
      `# @${name}:`,
      "#",
      `# What there is to say of ${name}, in words such as @${this.#word()},`,
      "# and on a second line.",
      "#",
    ];
    for (const member of members)
      lines.push(
        `# @${member}: the ${this.#word()} that it`,
        `${"#".padEnd(member.length + 5)}is about (default: none)`,
      );
    if (features.length > 0) lines.push("#", "# Features:");
    for (const feature of features) lines.push(`# @${feature}: use the ${this.#word()} instead.`);
    lines.push(
      "#",
      "# Note: mind the end, */ and \\.",
      "#",
      "# Example:",
      "#",
      `# -> { "execute": "${name}" }`,
      '# <- { "return": {} }',
      "#",
      `# Since: ${this.#next(8)}.${this.#next(3)}`,
    );
    return `${[...lines, "##", definition].join("\n")}\n`;
  }

  #condition(): string {
    return CONDITIONS[this.#next(CONDITIONS.length)] ?? "";
  }

  #word(): string {
    return WORDS[this.#next(WORDS.length)] ?? "";
  }

  /** A number from 0 below the limit. */
  #next(limit: number): number {
    this.#state = (Math.imul(this.#state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }
}
