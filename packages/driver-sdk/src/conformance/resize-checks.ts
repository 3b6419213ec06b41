import { assertBytes, assertCode, assertThat, rejectionOf } from "./assertions.ts";
import {
  firstReason,
  unlessBlocks,
  unlessDeclared,
  unlessWritable,
  type ConformanceCheck,
} from "./conformance-check.ts";
import type { DriverProbe } from "./driver-probe.ts";

const resizable = firstReason(unlessDeclared("resize"), unlessWritable, unlessBlocks(16));

/** resize and the event that comes with it. */
export const resizeChecks: readonly ConformanceCheck[] = [
  { name: "resize shrinks and grows, keeps what stays, and sends resized", skipReason: resizable, run: checkResize },
  { name: "resize to something that is no size rejects and changes nothing", skipReason: resizable, run: checkNoSize },
];

async function checkResize(probe: DriverProbe): Promise<void> {
  const { block } = probe;
  const original = probe.capabilities.size;
  const data = probe.bytes(4 * block);
  await probe.write(0, data);
  for (const size of [8 * block, 16 * block, original]) {
    const before = probe.capabilities.size;
    await probe.within(probe.driver.resize?.(size) ?? Promise.reject(new Error("no resize")), "resize");
    assertThat(
      probe.capabilities.size === size,
      `capabilities.size is ${probe.capabilities.size} after resize to ${size}`,
    );
    const told = probe.events.filter((event) => event.type === "resized").map((event) => event.size);
    if (size !== before) assertThat(told.at(-1) === size, `resize to ${size} sent resized with [${told.join(", ")}]`);
    assertBytes(await probe.read(0, data.length), data, `the beginning after resize to ${size}`);
    const end = size - (size % probe.capabilities.requestAlignment);
    const last = probe.bytes(block);
    await probe.write(end - block, last);
    assertBytes(await probe.read(end - block, block), last, `the end after resize to ${size}`);
    const beyond = await probe.send({ operation: "read", offset: end, length: block });
    assertCode(beyond, "EINVAL", `a read at the end after resize to ${size}`);
  }
}

async function checkNoSize(probe: DriverProbe): Promise<void> {
  const { size } = probe.capabilities;
  for (const wrong of [NaN, -1, 0.5, Infinity, 2 ** 60]) {
    await rejectionOf(probe.within(probe.driver.resize?.(wrong) ?? Promise.resolve(), "resize"), `resize to ${wrong}`);
    assertThat(probe.capabilities.size === size, `resize to ${wrong} rejected but changed the size`);
  }
}
