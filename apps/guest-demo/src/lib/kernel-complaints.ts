/** What Linux says when a disk fails: the block layer, ext4, its journal. */
const COMPLAINTS: readonly RegExp[] = [
  /I\/O error/,
  /EXT4-fs (error|warning)/,
  /Aborting journal|JBD2|aborted journal|Journal has aborted/,
  /read-only/,
  /lost (sync|async) page write/,
];

/** True for a line of the kernel that tells of a disk that fails. */
export function isComplaint(line: string): boolean {
  return COMPLAINTS.some((pattern) => pattern.test(line));
}

/** Takes lines of the kernel, keeps those that complain, and tells of the first of each kind. */
export class KernelComplaints {
  readonly #lines: string[] = [];
  readonly #seen = new Set<RegExp>();
  readonly #onNewKind: (line: string) => void;

  constructor(onNewKind: (line: string) => void) {
    this.#onNewKind = onNewKind;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  take(line: string): void {
    const kind = COMPLAINTS.find((pattern) => pattern.test(line));
    if (kind === undefined) return;
    this.#lines.push(line);
    if (this.#seen.has(kind)) return;
    this.#seen.add(kind);
    this.#onNewKind(line);
  }
}
