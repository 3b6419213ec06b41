/** Makes a text of about so many characters. */
type MakeText = (length: number) => string;

/** Piece after piece until the text is long enough. */
function pieces(length: number, piece: (index: number) => string): string {
  const made: string[] = [];
  for (let size = 0; size < length;) {
    const next = piece(made.length);
    made.push(next);
    size += next.length;
  }
  return made.join("");
}

/** `aaaa`, `aaab`, …: four letters are enough for 1 MiB. */
function nameOf(index: number): string {
  let name = "";
  for (let i = 0, rest = index; i < 4; i += 1, rest = Math.floor(rest / 26)) {
    name = String.fromCharCode(0x61 + (rest % 26)) + name;
  }
  return name;
}

/** One unit again and again, to the character. */
function repeated(unit: string): MakeText {
  return (length) => unit.repeat(Math.ceil(length / unit.length)).slice(0, length);
}

/** Pieces, each with another name. */
function named(piece: (name: string) => string): MakeText {
  return (length) => pieces(length, (index) => piece(nameOf(index)));
}

/** Pieces, each with another number. */
function numbered(piece: (index: number) => string): MakeText {
  return (length) => pieces(length, piece);
}

/** A JSON text of such members or elements. */
function json(open: string, part: (name: string) => string, close: string): MakeText {
  return (length) => open + pieces(length, (index) => `${part(nameOf(index))},`).slice(0, -1) + close;
}

/** A thousand objects, one in the other, each with its part of the members. */
const atEveryDepth: MakeText = (length) => {
  const depth = 1000;
  const members = pieces(length / depth, (index) => `"${nameOf(index)}":1,`);
  return `{${members}"a":`.repeat(depth) + "1" + "}".repeat(depth);
};

/** The same in the file name of a drive. */
function inFileName(make: MakeText): MakeText {
  return (length) => {
    const escaped = make(length).replaceAll(",", ",,");
    const fitting = Math.floor((length * length) / escaped.length);
    return `file=json:${make(fitting).replaceAll(",", ",,")}`;
  };
}

const TEXTS: Readonly<Record<string, MakeText>> = {
  commas: repeated(","),
  "equals signs": repeated("="),
  items: repeated("a=1,"),
  flags: repeated("nox,"),
  dots: repeated("a."),
  indexes: repeated("0."),
  digits: repeated("9"),
  zeros: repeated("0"),
  "hexadecimal digits": repeated("f"),
  "digits behind a point": repeated("0.9"),
  "white space": repeated(" "),
  "open brackets": repeated("["),
  "open braces": repeated('{"a":'),
  "closing brackets": repeated("}"),
  quotes: repeated('"'),
  escapes: repeated('"\\u'),
  underscores: repeated("__a-"),
  letters: repeated("n"),
  identifiers: repeated("id,"),
  ids: repeated("id=a,"),
  caches: repeated("cache=none,"),
  colons: repeated("nbd://a:"),
  slashes: repeated("/"),
  "at signs": repeated("a@"),
  "percent signs": repeated("%41"),
  lines: repeated('a = "b"\n'),
  "lines of white space": repeated(" \n"),
  comments: repeated("#\n"),
  sections: repeated("[drive]\n"),
  "sections of trees": repeated("[object]\n"),
  "sections with a line": repeated("[drive]\na\n"),
  "characters of two units": repeated("😀"),
  "different long keys": numbered((index) => `k${index}=1,`),
  "different long dotted keys": numbered((index) => `a.k${index}=1,`),
  "different keys": named((name) => `${name}=,`),
  "different dotted keys": named((name) => `a.${name}=,`),
  "different keys of objects": named((name) => `${name}.a=,`),
  "different dotted keys of objects": named((name) => `a.${name}.a=,`),
  "different short-form bools": named((name) => `${name},`),
  "different negated short-form bools": named((name) => `no${name},`),
  "different elements of a list": numbered((index) => `a.${index}=,`),
  "different elements of a list, from the end": numbered((index) => `a.${200_000 - index}=,`),
  "different elements of a list with gaps": numbered((index) => `a.${index * 7919}=,`),
  "different elements that are objects": numbered((index) => `a.${index}.b=,`),
  "different ids": named((name) => `id=${name},`),
  "different drivers": named((name) => `driver=${name},`),
  "different keys of the file": named((name) => `file.${name}=,`),
  "different keys of a thousand fragments": named((name) => `${`${name}.`.repeat(1019)}a=,`),
  "different ends of a thousand fragments": named((name) => `${"a.".repeat(1019)}${name}=,`),
  "the same key of a thousand fragments": repeated(`${"a.".repeat(1019)}a=,`),
  "different intervals": numbered((index) => `stats-intervals.${index}=1,`),
  "different sections with an id": named((name) => `[drive "${name}"]\n`),
  "different trees with an id": named((name) => `[object "${name}"]\n`),
  "different lines with a value": named((name) => `${name}="a"\n`),
};

const JSON_TEXTS: Readonly<Record<string, MakeText>> = {
  "JSON members": json("{", (name) => `"${name}":1`, "}"),
  "JSON members in apostrophes": json("{", (name) => `'${name}':''`, "}"),
  "JSON the same member": json("{", () => '"a":1', "}"),
  "JSON integers": json('{"a":[', () => "1", "]}"),
  "JSON large integers": json('{"a":[', () => "9007199254740993", "]}"),
  "JSON numbers with an exponent": json('{"a":[', () => "1e1", "]}"),
  "JSON keywords": json('{"a":[', () => "null", "]}"),
  "JSON strings": json('{"a":[', () => '""', "]}"),
  "JSON arrays": json('{"a":[', () => "[]", "]}"),
  "JSON objects": json('{"a":[', () => "{}", "]}"),
  "JSON objects with a member": json('{"a":[', () => '{"a":1}', "]}"),
  "JSON members at every depth": atEveryDepth,
  "JSON members at the deepest": (length) => {
    const depth = 1000;
    return '{"a":'.repeat(depth) + json("{", (name) => `"${name}":1`, "}")(length - 6 * depth) + "}".repeat(depth);
  },
  "JSON nested arrays": json('{"a":[', () => "[".repeat(1000) + "]".repeat(1000), "]}"),
  "JSON nested objects": json('{"a":[', () => '{"a":'.repeat(1000) + "1" + "}".repeat(1000), "]}"),
};

/** What a hostile author would think of: every kind of text, made as long as wanted. */
export const HOSTILE_TEXTS: Readonly<Record<string, MakeText>> = {
  ...TEXTS,
  ...JSON_TEXTS,
  ...Object.fromEntries(
    Object.entries(JSON_TEXTS).map(([name, make]) => [`${name} in the name of a file`, inFileName(make)]),
  ),
};
