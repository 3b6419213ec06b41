import { defineCapabilities } from "@rehandle/driver-sdk";
import { expect, test } from "vitest";

import { Bench } from "../testing/scripted-driver.ts";

const restarts = { instance: "unknown", reportsConnection: true } as const;

test("what a shrunk storage no longer has is not written again", async () => {
  const b = await Bench.open({}, restarts);
  b.write((1 << 20) - 512);
  b.driver.capabilities = defineCapabilities({ ...b.driver.capabilities, size: 1 << 19 });
  b.driver.tell({ type: "resized", size: 1 << 19 });
  b.driver.decide = (r) => (r.offset + r.length > 1 << 19 ? "EINVAL" : "ok");
  b.driver.disconnect();
  b.driver.connect();
  const r = b.read(0);
  b.clock.advance(60000);
  expect(r.state).toBe("ok");
});
