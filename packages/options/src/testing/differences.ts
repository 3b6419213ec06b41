/** An input on which this package and QEMU do not agree: what each of them said, a message or something that can be seen. */
export interface Disagreement {
  readonly text: string;
  readonly ours: unknown;
  readonly theirs: unknown;
}

/** A difference from QEMU that is on purpose. */
export interface Difference {
  /** Its line in the README. */
  readonly reason: string;
  /** True for what it explains. Without it, the comparison does not see it, or leaves such inputs out. */
  readonly explains?: (disagreement: Disagreement) => boolean;
}

/** Messages that name one of several mistakes of a kind, without the name. */
const ONE_OF_SEVERAL = [
  /^Parameter() '[^]*' (?:expects|is unexpected)/,
  /^Invalid parameter() '/,
  /^(Block (?:protocol|format) '[^]*?') does(?:n't| not) support the option/,
];

function kindOf(message: unknown): string | undefined {
  if (typeof message !== "string") return undefined;
  return ONE_OF_SEVERAL.map((pattern) => pattern.exec(message)?.[1]).find((kind) => kind !== undefined);
}

/** Every difference from QEMU 7.2 that is on purpose, in the order of the README. */
export const DIFFERENCES: Readonly<Record<string, Difference>> = {
  hint: { reason: "Hints with the nearest known name are added below QEMU's text." },
  order: {
    reason:
      "Of several mistakes of a kind (unknown keys, values of the wrong type) the first in the text is reported; QEMU's order is that of a hash table.",
    explains: ({ ours, theirs }) => kindOf(ours) !== undefined && kindOf(ours) === kindOf(theirs),
  },
  hintsKept: {
    reason: "Errors of `-set` and `-readconfig` have their hints; QEMU forgets them there.",
    explains: ({ ours, theirs }) => String(ours).startsWith(`${String(theirs)}\n`) && /-set|a\.cfg/.test(String(ours)),
  },
  warnedOnce: { reason: "A warning is given once, however often its cause was given." },
  rounding: {
    reason: "`0.99999999999999999999k` is 1024; QEMU's arithmetic overflows to 0.",
    explains: ({ text, theirs }) => /\.9{17,}[kmgtpe]$/i.test(text) && theirs === "6144",
  },
  depth: { reason: "A dotted key has at most 1024 fragments; QEMU's stack overflows on very deep ones." },
  bounds: {
    reason:
      "One text makes at most 16,384 options and objects, and as JSON it has at most 65,536 tokens, and 1,048,576 characters in " +
      "the dotted keys that a `json:` name becomes; QEMU takes more.",
  },
  hugeDouble: { reason: "A JSON number beyond all doubles (`1e999`) is refused." },
  repeatedCache: {
    reason:
      "`-drive cache=none,cache=unsafe`: the last one counts, as with every other key; QEMU calls it an unknown option.",
    explains: ({ text, theirs }) => /cache=.*cache=/s.test(text) && String(theirs).endsWith("the option 'cache'"),
  },
  crash: {
    reason:
      "`-drive driver=null-co,latency-ns=5k` is an error like others; QEMU 7.2 ends with an assertion where its drivers read their own numbers and bools.",
  },
  suffix: {
    reason:
      "`-drive` checks the driver's options by the description of `--blockdev`, so that `size=1M` is taken only where that says `size`; QEMU's drivers have their own lists.",
    explains: ({ ours, theirs }) => /^Parameter '.*' expects integer$/.test(String(ours)) && theirs === "OK",
  },
  driverLast: {
    reason: "Whether `-drive` knows the driver is found when its other keys have been checked.",
    explains: ({ ours, theirs }) => ours !== "" && String(theirs).startsWith("Unknown driver '"),
  },
  interface: {
    reason: "A drive without `if=` has the interface `none`, as there is no machine to plug it into.",
  },
  characters: {
    reason:
      "Where QEMU has room for so many bytes of a name (127 in a dotted key, 63 in `-set` and in configuration files), characters are counted.",
  },
};

/** What no difference explains, and the names of those that explained something. */
export function judge(disagreements: readonly Disagreement[]): {
  unexplained: Disagreement[];
  seen: string[];
} {
  const seen = new Set<string>();
  const unexplained = disagreements.filter((disagreement) => {
    const found = Object.entries(DIFFERENCES).find(([, { explains }]) => explains?.(disagreement));
    if (found !== undefined) seen.add(found[0]);
    return found === undefined;
  });
  return { unexplained, seen: [...seen].toSorted() };
}
