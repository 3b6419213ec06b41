/** Which texts are scalars: `keyval` has only texts for leaves, `json` has JSON's own types. */
export type Flavour = "keyval" | "json";

/** Where in a tree a value lies; undefined is the root. Paths are written out only when an error needs one. */
export interface Place {
  readonly parent: Place | undefined;
  /** A member's name, or an index. */
  readonly key: string | number;
}

/** `children.1.driver` in keyval, `children[1].driver` in JSON. */
export function formatPath(place: Place | undefined, flavour: Flavour): string {
  const parts: string[] = [];
  for (let at = place; at !== undefined; at = at.parent) {
    if (typeof at.key === "string") parts.push(at.parent === undefined ? at.key : `.${at.key}`);
    else parts.push(flavour === "json" ? `[${at.key}]` : `.${at.key}`);
  }
  return parts.toReversed().join("");
}

/** What QEMU calls the value where it does not write the whole path: the member's name, `null` for an element of a list. */
export function lastName(place: Place | undefined): string {
  return typeof place?.key === "string" ? place.key : "null";
}
