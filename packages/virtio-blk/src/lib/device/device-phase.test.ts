import { expect, test } from "vitest";

import { DeviceLife, DeviceStatus } from "./device-phase.ts";

test("goes from reset over negotiated to running, and back from everywhere", () => {
  const life = new DeviceLife();
  expect(life.status).toBe(0);
  life.moveTo("negotiated");
  expect(life.status).toBe(DeviceStatus.ACKNOWLEDGE | DeviceStatus.DRIVER | DeviceStatus.FEATURES_OK);
  life.moveTo("running");
  expect(life.status & DeviceStatus.DRIVER_OK).not.toBe(0);
  life.moveTo("needs-reset");
  expect(life.status).toBe(0x4f);
  life.moveTo("reset");
  expect(life.status).toBe(0);
});

test("throws for a step that there is not", () => {
  const life = new DeviceLife();
  expect(() => life.moveTo("running")).toThrow("from reset to running");
  expect(() => life.moveTo("needs-reset")).toThrow("from reset to needs-reset");
});
