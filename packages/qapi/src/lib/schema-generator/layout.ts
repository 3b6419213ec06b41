/** A piece of code: a text, or a list that is broken into lines if it does not fit on one. */
export type Piece = string | { readonly open: string; readonly items: readonly Piece[]; readonly close: string };

const WIDTH = 120;

/** An object literal, perhaps behind something like `struct: () => (`. */
export function objectPiece(items: readonly Piece[], before = "", after = ""): Piece {
  return { open: `${before}{`, items, close: `}${after}` };
}

/** An array literal, perhaps behind something like `enum: `. */
export function arrayPiece(items: readonly Piece[], before = ""): Piece {
  return { open: `${before}[`, items, close: "]" };
}

/** The code of a piece that begins at `indent`; its first line has `used` columns already and its last gets as many more as `after` has. */
export function layOut(piece: Piece, indent: string, used: number, after: string): string {
  const flat = flatten(piece);
  if (typeof piece === "string" || used + flat.length + after.length <= WIDTH) return flat + after;
  const inner = `${indent}  `;
  const lines = piece.items.map((item) => `${inner}${layOut(item, inner, inner.length, ",")}\n`);
  return `${piece.open}\n${lines.join("")}${indent}${piece.close}${after}`;
}

function flatten(piece: Piece): string {
  if (typeof piece === "string") return piece;
  const space = piece.open.endsWith("{") && piece.items.length > 0 ? " " : "";
  return `${piece.open}${space}${piece.items.map(flatten).join(", ")}${space}${piece.close}`;
}

/** The key of a property as code. */
export function keyText(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}
