/** A schema file, and the place of the `include` that brought it in; undefined for the file that was asked for. */
export interface SourceFile {
  /** As errors name it: the including file's folder and what the `include` says. */
  readonly name: string;
  readonly includedFrom: SourcePlace | undefined;
}

/** A place in a schema file. */
export interface SourcePlace {
  readonly file: SourceFile;
  /** From 1. */
  readonly line: number;
  /** From 1; a tab leads to the next multiple of eight, as QEMU counts. */
  readonly column: number;
}

/** The definition that a complaint is about. */
export interface DefinitionName {
  /** `enum`, `struct`, `union`, `alternate`, `command` or `event`. */
  readonly kind: string;
  readonly name: string;
}

/** The lines before a message that say by which way the file was reached: `In file included from F:1:`. */
export function formatInclusions(file: SourceFile): string {
  const lines: string[] = [];
  for (let at = file.includedFrom; at !== undefined; at = at.file.includedFrom) {
    lines.push(`In file included from ${at.file.name}:${at.line}:\n`);
  }
  return lines.toReversed().join("");
}

/** The folder of a path, with its slash. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

/** A path without `.` and `..` as far as they can be resolved, so that a file has one name only. */
export function normalizePath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (part !== ".." || !path.startsWith("/")) parts.push(part);
  }
  return (path.startsWith("/") ? "/" : "") + parts.join("/");
}
