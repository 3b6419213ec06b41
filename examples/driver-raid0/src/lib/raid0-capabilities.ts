import { BlockError, defineCapabilities, type DriverCapabilities } from "@rehandle/driver-sdk";

/**
 * What a disk striped over members can do: what every one of them can, for what must work everywhere; what any one of them is
 * or needs, for the rest.
 * @throws BlockError `EINVAL` if the stripe size does not suit the members.
 */
export function raid0Capabilities(members: readonly DriverCapabilities[], stripeSize: number): DriverCapabilities {
  const every = (test: (member: DriverCapabilities) => boolean): boolean => members.every(test);
  const requestAlignment = Math.max(...members.map((member) => member.requestAlignment));
  if (stripeSize % requestAlignment !== 0) {
    const message = `stripes of ${stripeSize} bytes do not suit a member that is aligned to ${requestAlignment} bytes`;
    throw new BlockError(message, { code: "EINVAL", operation: "open" });
  }
  const smallest = Math.min(...members.map((member) => member.size));
  return defineCapabilities({
    size: (smallest - (smallest % stripeSize)) * members.length,
    readOnly: members.some((member) => member.readOnly),
    requestAlignment,
    preferredBlockSize: Math.max(...members.map((member) => member.preferredBlockSize)),
    maxTransfer: Math.min(...members.map((member) => member.maxTransfer)),
    // A member without a flush answers it at once.
    flush: members.some((member) => member.flush),
    fua: every((member) => member.fua),
    discard: every((member) => member.discard),
    writeZeroes: every((member) => member.writeZeroes),
    fastZero: every((member) => member.fastZero),
    blockStatus: every((member) => member.blockStatus),
    zeroCopy: every((member) => member.zeroCopy),
    abandon: every((member) => member.abandon),
    reportsConnection: every((member) => member.reportsConnection),
    instance: instanceOf(members),
    multiConn: every((member) => member.multiConn),
    rotational: members.some((member) => member.rotational),
  });
}

function instanceOf(members: readonly DriverCapabilities[]): DriverCapabilities["instance"] {
  if (members.every((member) => member.instance === "fixed")) return "fixed";
  const known = members.every((member) => member.instance !== "unknown" && member.reportsConnection);
  return known ? "reported" : "unknown";
}
