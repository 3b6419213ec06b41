import { isJsonDouble } from "@rehandle/json";
import { convertScalar, scalarKind, wrongType } from "./convert-scalar.ts";
import { nearestHint } from "./nearest-name.ts";
import { OptionError } from "./option-error.ts";
import { formatPath, lastName, type Flavour, type Place } from "./place.ts";
import {
  findType,
  resolveMembers,
  structMembers,
  type AlternateDescription,
  type EnumDescription,
  type MemberDescription,
  type ResolvedMember,
  type TypeCatalog,
  type TypeReference,
  type UnionDescription,
} from "./type-catalog.ts";
import type { TypeName, TypeOf } from "./type-of.ts";

type Tree = Readonly<Record<string, unknown>>;
type Limits = Pick<MemberDescription, "min" | "max">;

const NO_LIMITS: Limits = {};

/**
 * Makes a typed value out of a tree, checking it against its description: of a keyval tree (all leaves are texts) or of
 * JSON values, by `flavour`. Members come out in the order of the description; nothing of the input is kept.
 *
 * @throws OptionError in QEMU's words; the first mistake in the order of the description, unknown members last
 */
export function convert<const C extends TypeCatalog, N extends TypeName<C>>(
  types: C,
  name: N,
  value: unknown,
  flavour: Flavour,
): TypeOf<C, N> {
  return new Converter(types, flavour).type(name, value, undefined, NO_LIMITS) as TypeOf<C, N>;
}

class Converter {
  readonly #types: TypeCatalog;
  readonly #flavour: Flavour;

  constructor(types: TypeCatalog, flavour: Flavour) {
    this.#types = types;
    this.#flavour = flavour;
  }

  type(type: TypeReference, value: unknown, place: Place | undefined, limits: Limits): unknown {
    if (typeof type !== "string") return this.#list(type[0], value, place);
    const description = findType(this.#types, type);
    if (description === undefined) {
      if (scalarKind(type) === undefined || place === undefined) throw new TypeError(`no type '${type}'`);
      return convertScalar(type, value, place, this.#flavour, limits);
    }
    if ("enum" in description) return this.#enum(description, value, place);
    if ("alternate" in description) return this.#alternate(type, description, value, place);
    if (!isTree(value)) return wrongType(place, this.#flavour, "object");
    if ("union" in description) return this.#union(description, value, place);
    return this.#members(structMembers(this.#types, type), value, place);
  }

  #list(element: string, value: unknown, place: Place | undefined): unknown[] {
    if (!Array.isArray(value)) return wrongType(place, this.#flavour, "array");
    return value.map((item: unknown, key) => this.type(element, item, { parent: place, key }, NO_LIMITS));
  }

  #enum(description: EnumDescription, value: unknown, place: Place | undefined): string {
    const text = convertScalar("str", value, place ?? { parent: undefined, key: "" }, this.#flavour, NO_LIMITS);
    if (typeof text === "string" && description.enum.includes(text)) return text;
    throw new OptionError(`Parameter '${lastName(place)}' does not accept value '${String(text)}'`, {
      code: "invalid-value",
      path: formatPath(place, this.#flavour),
      hints: nearestHint(String(text), description.enum),
    });
  }

  #alternate(name: string, description: AlternateDescription, value: unknown, place: Place | undefined): unknown {
    const kind = kindOf(value);
    const branches = Object.values(description.alternate);
    const branch = this.#numberAsText(branches, value) ?? branches.find((type) => this.#kindOfType(type) === kind);
    if (branch !== undefined) return this.type(branch, value, place, NO_LIMITS);
    throw new OptionError(`Invalid parameter type for '${lastName(place)}', expected: ${name}`, {
      code: "invalid-type",
      path: formatPath(place, this.#flavour),
    });
  }

  /** In keyval all leaves are texts: one that is no word of the alternate's enum is meant for its number. */
  #numberAsText(branches: readonly TypeReference[], value: unknown): TypeReference | undefined {
    if (this.#flavour !== "keyval" || typeof value !== "string") return undefined;
    const words = branches.flatMap((type) => {
      const description = typeof type === "string" ? findType(this.#types, type) : undefined;
      return description !== undefined && "enum" in description ? description.enum : [];
    });
    if (words.includes(value)) return undefined;
    return branches.find((type) => this.#kindOfType(type) === "number");
  }

  #union(description: UnionDescription, value: Tree, place: Place | undefined): unknown {
    const base = resolveMembers(description.union);
    const out: Record<string, unknown> = {};
    for (const member of base) this.#member(member, value, place, out);
    const branch = description.branches[out[description.discriminator] as string];
    const own = branch === undefined ? [] : structMembers(this.#types, branch);
    for (const member of own) this.#member(member, value, place, out);
    this.#refuseUnknown([...base, ...own], value, place);
    return out;
  }

  #members(members: readonly ResolvedMember[], value: Tree, place: Place | undefined): unknown {
    const out: Record<string, unknown> = {};
    for (const member of members) this.#member(member, value, place, out);
    this.#refuseUnknown(members, value, place);
    return out;
  }

  #member(member: ResolvedMember, tree: Tree, parent: Place | undefined, out: Record<string, unknown>): void {
    const { name } = member;
    const place: Place = { parent, key: name };
    const given = Object.hasOwn(tree, name) ? tree[name] : undefined;
    if (given !== undefined) out[name] = this.type(member.type, given, place, member);
    else if (member.default !== undefined) out[name] = member.default;
    else if (!member.optional) {
      const path = formatPath(place, this.#flavour);
      throw new OptionError(`Parameter '${path}' is missing`, { code: "missing", path });
    }
  }

  #refuseUnknown(members: readonly ResolvedMember[], tree: Tree, parent: Place | undefined): void {
    const names = new Set(members.map((member) => member.name));
    const unknown = Object.keys(tree).find((key) => !names.has(key));
    if (unknown === undefined) return;
    const path = formatPath({ parent, key: unknown }, this.#flavour);
    throw new OptionError(`Parameter '${path}' is unexpected`, {
      code: "unexpected",
      path,
      hints: nearestHint(unknown, names),
    });
  }

  #kindOfType(type: TypeReference): string | undefined {
    if (typeof type !== "string") return "array";
    const description = findType(this.#types, type);
    if (description === undefined) return scalarKind(type);
    return "enum" in description ? "string" : "object";
  }
}

function isTree(value: unknown): value is Tree {
  return kindOf(value) === "object";
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (value === null) return "null";
  if (typeof value === "bigint" || isJsonDouble(value)) return "number";
  return typeof value;
}
