import { checkOpt, type OptDescriptions, type QemuOpt } from "./opt-description.ts";
import { OptionError } from "./option-error.ts";
import { formatOptsHelp } from "./opts-help.ts";
import { appendOpts, findOptsId } from "./qemu-opts.ts";
import { checkId } from "./scalars.ts";
import { warnFirst, WarningLines } from "./warning-lines.ts";

/** What a list of options is called, and how its texts are read. */
export interface OptsListDefinition {
  /** The group that `-set` and a configuration file know it by: `drive`. */
  readonly name: string;
  /** The keys that there are. Default: any key (an open list). */
  readonly known?: OptDescriptions;
  /** The key of a first item that has none. Default: none. */
  readonly impliedKey?: string;
  /** True if every use adds to one set without a name, as those of `-name` do. Default: each use makes its own set. */
  readonly merge?: boolean;
}

/** The options of one use of the option, or of all uses of one that merges. */
export interface OptsSet {
  readonly id: string | undefined;
  /** All options in their order, repetitions too; the last of a key counts. `readOpts` reads them. */
  readonly options: readonly QemuOpt[];
}

/** What one argument did to the list. */
export interface AddedOpts {
  /** Undefined if the argument asked for help; the set, even a merged one, is then gone. */
  readonly set: OptsSet | undefined;
  /** The lines that answer a cry for help. */
  readonly help: string | undefined;
  /** Lines that QEMU prints on a command line. */
  readonly warnings: readonly string[];
}

interface MutableSet extends OptsSet {
  readonly options: QemuOpt[];
}

/**
 * All sets of one option of a command line, and what they have to know of each other: the ids that are taken. The option
 * is of the older syntax, as `-drive`, `-chardev` and `-name` are.
 */
export class OptsList {
  readonly definition: OptsListDefinition;
  readonly #named: Map<string, MutableSet> = new Map();
  readonly #sets: Set<MutableSet> = new Set();
  /** The first set without an id: of a list that merges, the only one. */
  #unnamed: MutableSet | undefined;

  constructor(definition: OptsListDefinition) {
    this.definition = definition;
  }

  /** The sets in the order in which they were made. */
  get sets(): readonly OptsSet[] {
    return [...this.#sets];
  }

  /** The set with this id, or the first without one. */
  find(id?: string): OptsSet | undefined {
    return id === undefined ? this.#unnamed : this.#named.get(id);
  }

  /**
   * Adds the argument of one use of the option.
   *
   * @throws OptionError in QEMU's words, with the `warnings` before it. The set is then gone; in a list that merges, with all that it held
   */
  add(text: string): AddedOpts {
    const warnings = new WarningLines();
    const set = this.#open(findOptsId(text));
    const asksHelp = this.#fill(set, warnings, () => appendOpts(text, this.definition, set.options, warnings));
    const { lines } = warnings;
    if (!asksHelp) return { set, help: undefined, warnings: lines };
    this.#delete(set);
    const { known, name } = this.definition;
    return { set: undefined, help: formatOptsHelp(known ?? {}, name), warnings: lines };
  }

  /**
   * Adds options that are split already, as those of a section of a configuration file are.
   *
   * @throws OptionError as {@link add} does
   */
  addOptions(id: string | undefined, options: Iterable<QemuOpt>): AddedOpts {
    const warnings = new WarningLines();
    const set = this.#open(id);
    this.#fill(set, warnings, () => {
      for (const option of options) {
        for (const line of this.#check(option)) warnings.add(line);
        set.options.push(option);
      }
    });
    return { set, help: undefined, warnings: warnings.lines };
  }

  /**
   * Sets one option of the set with this id.
   *
   * @returns lines that QEMU warns with
   * @throws OptionError if there is no such set, or the list does not take the option
   */
  set(id: string, key: string, value: string): readonly string[] {
    const set = this.#named.get(id);
    if (set === undefined) {
      throw new OptionError(`there is no ${this.definition.name} "${id}" defined`, { code: "missing" });
    }
    const warnings = this.#check({ key, value });
    set.options.push({ key, value });
    return warnings;
  }

  #check(option: QemuOpt): readonly string[] {
    const { known } = this.definition;
    return known === undefined ? [] : checkOpt(known, option);
  }

  #open(id: string | undefined): MutableSet {
    if (this.definition.merge === true) {
      if (id !== undefined) throw new OptionError("Invalid parameter 'id'", { code: "unexpected", path: "id" });
      if (this.#unnamed !== undefined) return this.#unnamed;
    }
    if (id !== undefined) this.#checkFree(id);
    const set: MutableSet = { id, options: [] };
    this.#sets.add(set);
    if (id === undefined) this.#unnamed ??= set;
    else this.#named.set(id, set);
    return set;
  }

  #checkFree(id: string): void {
    checkId(id);
    if (!this.#named.has(id)) return;
    throw new OptionError(`Duplicate ID '${id}' for ${this.definition.name}`, { code: "duplicate", path: "id" });
  }

  /** What fails takes the set with it. */
  #fill<T>(set: MutableSet, { lines }: WarningLines, fill: () => T): T {
    try {
      return warnFirst(lines, fill);
    } catch (error) {
      this.#delete(set);
      throw error;
    }
  }

  #delete(set: MutableSet): void {
    this.#sets.delete(set);
    if (set.id !== undefined) this.#named.delete(set.id);
    if (this.#unnamed === set) this.#unnamed = [...this.#sets].find(({ id }) => id === undefined);
  }
}
