import type { Given, GivenMembers } from "./argument-tree.ts";
import { membersFor, type Member, type PeerSchema, type PeerType } from "./peer-schema.ts";

type ObjectType = Extract<PeerType, { kind: "object" }>;

/** The object type that a name stands for: itself, or the branch of an alternate that is one. */
export function objectType(schema: PeerSchema, name: string | undefined): ObjectType | undefined {
  const type = name === undefined ? undefined : schema.types.get(name);
  if (type?.kind === "object") return type;
  if (type?.kind !== "alternate") return undefined;
  const branches = type.branches.map((branch) => schema.types.get(branch));
  return branches.find((branch): branch is ObjectType => branch?.kind === "object");
}

/** The members of an object, those of a union by the tag's value that was given. */
export function membersGiven(schema: PeerSchema, type: ObjectType, given: GivenMembers | undefined): readonly Member[] {
  const tag = type.tag === undefined ? undefined : given?.get(type.tag);
  return membersFor(schema, type, tag?.kind === "text" ? tag.text : undefined);
}

/** The type at the end of the fragments of a dotted key, and what was given at that place; undefined if there is none. */
export function followPath(
  schema: PeerSchema,
  typeName: string | undefined,
  fragments: readonly string[],
  given: GivenMembers | undefined,
): { readonly type: string; readonly given: Given | undefined } | undefined {
  let type = typeName;
  let here: Given | undefined = given === undefined ? undefined : { kind: "tree", members: given };
  for (const fragment of fragments) {
    const members: GivenMembers | undefined = here?.kind === "tree" ? here.members : undefined;
    type = stepInto(schema, type, fragment, members);
    if (type === undefined) return undefined;
    here = members?.get(fragment);
  }
  return type === undefined ? undefined : { type, given: here };
}

function stepInto(
  schema: PeerSchema,
  typeName: string | undefined,
  fragment: string,
  given: GivenMembers | undefined,
): string | undefined {
  const type = typeName === undefined ? undefined : schema.types.get(typeName);
  if (type?.kind === "array") return /^[0-9]+$/.test(fragment) ? type.element : undefined;
  const object = objectType(schema, typeName);
  if (object === undefined) return undefined;
  return membersGiven(schema, object, given).find(({ name }) => name === fragment)?.type;
}
