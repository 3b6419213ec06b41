/** A number and its noun, for the log: `1 write`, `2 writes`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
