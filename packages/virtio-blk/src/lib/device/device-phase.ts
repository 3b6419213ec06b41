/**
 * Where a device is in its life (virtio 1.2, section 3.1). `reset`: nothing is agreed on; `negotiated`: features are;
 * `running`: at least one queue was started; `needs-reset`: the driver did what cannot be worked with.
 */
export type DevicePhase = "reset" | "negotiated" | "running" | "needs-reset";

/** Bits of the device status field (virtio 1.2, section 2.1). */
export const DeviceStatus = {
  ACKNOWLEDGE: 1,
  DRIVER: 2,
  DRIVER_OK: 4,
  FEATURES_OK: 8,
  NEEDS_RESET: 64,
} as const;

/** What may follow what. Anything else is a defect of the device, and throws. */
const NEXT_PHASES: Readonly<Record<DevicePhase, readonly DevicePhase[]>> = {
  reset: ["negotiated", "reset"],
  negotiated: ["negotiated", "running", "reset"],
  // Without a started queue the device is back at what was negotiated: vhost-user stops it so.
  running: ["running", "negotiated", "needs-reset", "reset"],
  "needs-reset": ["negotiated", "reset"],
};

const NEGOTIATED = DeviceStatus.ACKNOWLEDGE | DeviceStatus.DRIVER | DeviceStatus.FEATURES_OK;

/** What a driver reads in each phase. */
const STATUS: Readonly<Record<DevicePhase, number>> = {
  reset: 0,
  negotiated: NEGOTIATED,
  running: NEGOTIATED | DeviceStatus.DRIVER_OK,
  "needs-reset": NEGOTIATED | DeviceStatus.DRIVER_OK | DeviceStatus.NEEDS_RESET,
};

/** Keeps the phase of one device. */
export class DeviceLife {
  #phase: DevicePhase = "reset";

  get phase(): DevicePhase {
    return this.#phase;
  }

  /** The device status field. */
  get status(): number {
    return STATUS[this.#phase];
  }

  /** @throws Error for a step that there is not. */
  moveTo(phase: DevicePhase): void {
    if (!NEXT_PHASES[this.#phase].includes(phase)) {
      throw new Error(`a virtio device cannot go from ${this.#phase} to ${phase}`);
    }
    this.#phase = phase;
  }
}
