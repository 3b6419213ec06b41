/** An entry of `query-qmp-schema`, of whichever server. */
export interface Entry {
  readonly name: string;
  readonly "meta-type": string;
  readonly [key: string]: unknown;
}

/**
 * Where two servers tell different things of commands or events: walks along both at once, whatever their types are called,
 * and ignores the order of everything.
 */
export function compareIntrospection(
  theirs: readonly Entry[],
  ours: readonly Entry[],
  names: readonly string[],
): string[] {
  const [left, right] = [theirs, ours].map((entries) => new Map(entries.map((entry) => [entry.name, entry])));
  const differences: string[] = [];
  const seen = new Set<string>();
  const isName = (key: string, value: unknown): value is string =>
    typeof value === "string" && ["type", "arg-type", "ret-type", "element-type"].includes(key);

  const compare = (a: unknown, b: unknown, path: string): void => {
    if (Array.isArray(a) && Array.isArray(b)) return compareLists(a, b, path);
    if (typeof a === "object" && typeof b === "object" && a !== null && b !== null) {
      const [x, y] = [a, b] as Record<string, unknown>[];
      for (const key of new Set([...Object.keys(x ?? {}), ...Object.keys(y ?? {})])) {
        const [p, q] = [x?.[key], y?.[key]];
        if (isName(key, p) && isName(key, q)) compareTypes(p, q, `${path}.${key}`);
        else compare(p, q, `${path}.${key}`);
      }
    } else if (a !== b) differences.push(`${path}: ${JSON.stringify(a)} there, ${JSON.stringify(b)} here`);
  };
  // A member of an alternate has no name: its kind of type tells it from the others, and of a builtin the type itself.
  const keyOf = (item: unknown, entries: ReadonlyMap<string, Entry> | undefined): string => {
    const { name, case: word, type } = (typeof item === "object" ? item : { name: item }) as Record<string, unknown>;
    const kind = entries?.get(String(type))?.["meta-type"];
    return (
      [name, word, kind === "builtin" ? type : kind].find((text): text is string => typeof text === "string") ?? ""
    );
  };
  const compareLists = (a: readonly unknown[], b: readonly unknown[], path: string): void => {
    const x = new Map(a.map((item) => [keyOf(item, left), item]));
    const y = new Map(b.map((item) => [keyOf(item, right), item]));
    for (const key of new Set([...x.keys(), ...y.keys()])) {
      compare(x.get(key), y.get(key), `${path}[${key}]`);
    }
  };
  const compareTypes = (a: string, b: string, path: string): void => {
    if (seen.has(`${a} ${b}`)) return;
    seen.add(`${a} ${b}`);
    const [x, y] = [left?.get(a), right?.get(b)].map((entry) => {
      const { name, ...rest } = entry ?? { name: "" };
      return /^[\d[]/.test(name) ? rest : entry;
    });
    compare(x, y, path);
  };
  for (const name of names) compareTypes(name, name, name);
  return differences;
}
