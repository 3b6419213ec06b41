/** Names longer than this are no misspelling of an option; comparing them would only cost time. */
const LONGEST = 64;

/** The known name that is the fewest edits away, if these are few enough for a slip. */
function nearestName(name: string, known: Iterable<string>): string | undefined {
  if (name.length > LONGEST) return undefined;
  const wanted = normalise(name);
  let nearest: string | undefined;
  let least = 1 + Math.max(1, Math.floor(name.length / 3));
  for (const candidate of known) {
    const distance = editDistance(wanted, normalise(candidate));
    if (distance >= least) continue;
    nearest = candidate;
    least = distance;
  }
  return nearest;
}

/** The line to print below an error, or none. */
export function nearestHint(name: string, known: Iterable<string>): string[] {
  const nearest = nearestName(name, known);
  return nearest === undefined || nearest === name ? [] : [`Did you mean '${nearest}'?`];
}

function normalise(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}

/** Levenshtein's distance: insertions, deletions and replacements of one character. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
