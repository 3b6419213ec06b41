import type { Definition, Feature } from "./schema-definition.ts";
import { semanticError } from "./schema-error.ts";
import type { TypeTable } from "./type-table.ts";

/** What a documentation comment can describe: members, values, branches or arguments. */
interface Described {
  readonly name: string;
  readonly features?: readonly Feature[];
}

/** Checks that what a definition's comment describes is there, and that it describes all features. @throws QapiSchemaError */
export function checkDocumented(definition: Definition, types: TypeTable): void {
  const { doc } = definition;
  if (doc === undefined) return;
  const complain = types.complaintsOf(definition);
  const members = describedBy(definition);
  const features = [...definition.features, ...members.flatMap((member) => member.features ?? [])];
  for (const { name } of features) {
    if (!doc.features.has(name)) throw complain(`feature '${name}' lacks documentation`);
  }
  for (const [what, described, present] of [
    ["member", doc.members, members],
    ["feature", doc.features, features],
  ] as const) {
    const names = new Set(present.map(({ name }) => name));
    const bogus = [...described.keys()].filter((name) => !names.has(name));
    if (bogus.length === 0) continue;
    const [plural, verb] = bogus.length > 1 ? ["s", "do"] : ["", "does"];
    const problem = `documented ${what}${plural} '${bogus.join("', '")}' ${verb} not exist`;
    throw semanticError(doc.place, problem, definition);
  }
}

function describedBy(definition: Definition): readonly Described[] {
  switch (definition.kind) {
    case "enum":
      return definition.values;
    case "struct":
      return definition.members;
    case "union":
      return typeof definition.base === "string" ? [] : definition.base;
    case "alternate":
      return definition.branches;
    default:
      return typeof definition.data === "object" ? definition.data : [];
  }
}
