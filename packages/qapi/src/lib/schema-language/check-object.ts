import type { SchemaMember, StructDefinition, TypeName, UnionDefinition } from "./schema-definition.ts";
import { mangle, type Complain } from "./schema-name.ts";
import { describeType, type TypeTable } from "./type-table.ts";

/** Base below base, at most. Without a limit a hostile schema would take quadratic time. */
const MAX_BASES = 64;

/** A member, and the type that has it. */
interface OwnedMember {
  readonly member: SchemaMember;
  /** The definition that has it; its inline base has a name of its own. */
  readonly owner: string;
}

/** The members of a struct by their mangled names, and those of its base behind them. */
interface Scope {
  readonly own: ReadonlyMap<string, OwnedMember>;
  readonly base: Scope | undefined;
  readonly depth: number;
  /** Members, those of the bases included. */
  readonly size: number;
}

/** Checks that structs and unions have no two members of one name, and that bases and branches are what they must be. */
export class ObjectChecker {
  readonly #types: TypeTable;
  readonly #scopes = new Map<string, Scope | "open">();
  /** Pairs of base and branch that were found to agree. */
  readonly #agreeing = new Set<string>();

  constructor(types: TypeTable) {
    this.#types = types;
  }

  /** Checks a struct and, before it, its bases. @throws QapiSchemaError */
  checkStruct(definition: StructDefinition): void {
    this.#scopeOf(definition);
  }

  /** Checks a union, its base and its branches. @throws QapiSchemaError */
  checkUnion(definition: UnionDefinition): void {
    const complain = this.#types.complaintsOf(definition);
    const base = this.#unionBase(definition, complain);
    const values = this.#discriminatorValues(definition, base, complain);
    if (definition.branches.length === 0 && values.size === 0) throw complain("union has no branches");
    for (const { name, type } of definition.branches) {
      this.#types.resolve(type, `branch '${name}'`, complain);
      const branch = this.#types.structNamed(type);
      if (!values.has(name)) {
        const tag = find(base, definition.discriminator);
        throw complain(`branch '${name}' is not a value of ${this.#describe(tag?.member.type)}`);
      }
      if (branch === undefined) throw complain(`branch '${name}' cannot use ${this.#describe(type)}`);
      this.#checkBranch(definition, base, branch, complain);
    }
  }

  #unionBase(definition: UnionDefinition, complain: Complain): Scope {
    if (typeof definition.base === "string") return this.#baseScope(definition.base, complain);
    this.#types.checkMembers(definition.base, "base member", complain);
    return makeScope(definition.base, definition.name, undefined, (member, other) =>
      complain(`base member '${member.name}' collides with base member '${other.member.name}'`),
    );
  }

  #baseScope(name: string, complain: Complain): Scope {
    this.#types.resolve({ name, isArray: false }, "'base'", complain);
    const struct = this.#types.structNamed({ name, isArray: false });
    if (struct !== undefined) return this.#scopeOf(struct);
    throw complain(`'base' requires a struct type, ${this.#describe({ name, isArray: false })} isn't`);
  }

  #scopeOf(definition: StructDefinition): Scope {
    const { name, members } = definition;
    const complain = this.#types.complaintsOf(definition);
    const known = this.#scopes.get(name);
    if (known === "open") throw complain(`object ${name} contains itself`);
    if (known !== undefined) return known;
    this.#scopes.set(name, "open");
    const base = definition.base === undefined ? undefined : this.#openBase(definition.base, complain);
    this.#types.checkMembers(members, "member", complain);
    const scope = makeScope(members, name, base, (member, other) => {
      const where = other.owner === name ? "" : ` of type '${other.owner}'`;
      return complain(`member '${member.name}' collides with member '${other.member.name}'${where}`);
    });
    this.#scopes.set(name, scope);
    return scope;
  }

  /** Goes down by one base; how deep it is can be told from those that are still open. */
  #openBase(name: string, complain: Complain): Scope {
    this.#open += 1;
    if (this.#open > MAX_BASES) throw complain(`'base' nested deeper than ${MAX_BASES} levels`);
    const scope = this.#baseScope(name, complain);
    this.#open -= 1;
    if (scope.depth >= MAX_BASES) throw complain(`'base' nested deeper than ${MAX_BASES} levels`);
    return scope;
  }
  #open = 0;

  #discriminatorValues({ base, discriminator }: UnionDefinition, scope: Scope, complain: Complain): Set<string> {
    const tag = find(scope, discriminator);
    if (tag === undefined || tag.member.name !== discriminator) {
      throw complain(`discriminator '${discriminator}' is not a member of 'base'`);
    }
    const what = typeof base === "string" ? `base type '${tag.owner}'` : "'base'";
    const must = (rule: string): Error => complain(`discriminator member '${discriminator}' of ${what} must ${rule}`);
    const type = tag.member.type.isArray ? undefined : this.#types.get(tag.member.type.name);
    if (type?.kind !== "enum") throw must("be of enum type");
    if (tag.member.isOptional) throw must("not be optional");
    if (tag.member.condition !== undefined) throw must("not be conditional");
    return this.#types.valuesOf(type);
  }

  /** Members of the branch must not be members of the base; those of two branches may be the same. */
  #checkBranch(union: UnionDefinition, base: Scope, struct: StructDefinition, complain: Complain): void {
    const branch = this.#scopeOf(struct);
    const pair = `${typeof union.base === "string" ? union.base : `${union.name} `} ${struct.name}`;
    if (this.#agreeing.has(pair)) return;
    const [few, many] = branch.size < base.size ? [branch, base] : [base, branch];
    for (const { member } of membersOf(few)) {
      if (find(many, member.name) === undefined) continue;
      const theirs = find(branch, member.name);
      const ours = find(base, member.name);
      const role = typeof union.base === "string" ? "member" : "base member";
      const where = typeof union.base === "string" ? ` of type '${ours?.owner}'` : "";
      throw complain(
        `member '${theirs?.member.name}' of type '${theirs?.owner}' collides with ${role} '${ours?.member.name}'${where}`,
      );
    }
    this.#agreeing.add(pair);
  }

  #describe(type: TypeName | undefined): string {
    return type === undefined ? "" : describeType(this.#types, type);
  }
}

function makeScope(
  members: readonly SchemaMember[],
  owner: string,
  base: Scope | undefined,
  clash: (member: SchemaMember, other: OwnedMember) => Error,
): Scope {
  const own = new Map<string, OwnedMember>();
  for (const member of members) {
    const mangled = mangle(member.name);
    const other = own.get(mangled) ?? (base && find(base, member.name));
    if (other !== undefined) throw clash(member, other);
    own.set(mangled, { member, owner });
  }
  return { own, base, depth: (base?.depth ?? 0) + 1, size: own.size + (base?.size ?? 0) };
}

function find(scope: Scope, name: string): OwnedMember | undefined {
  const mangled = mangle(name);
  for (let at: Scope | undefined = scope; at !== undefined; at = at.base) {
    const found = at.own.get(mangled);
    if (found !== undefined) return found;
  }
  return undefined;
}

function* membersOf(scope: Scope): Generator<OwnedMember> {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.base) yield* at.own.values();
}
