import { openQmpClient, type QmpClient, type Schema } from "@rehandle/qapi";
import type { Socket } from "node:net";

/** What is used of QEMU's own schema. */
export interface QemuSchema {
  readonly types: {
    readonly StatusInfo: { readonly struct: { readonly running: "bool"; readonly status: "str" } };
    readonly MigrationInfo: { readonly struct: { readonly "*status": "str"; readonly "*error-desc": "str" } };
  };
  readonly commands: {
    readonly "query-status": { readonly returns: "StatusInfo" };
    readonly stop: {};
    readonly cont: {};
    readonly system_reset: {};
    readonly quit: {};
    readonly migrate: { readonly data: { readonly uri: "str" } };
    readonly "migrate-incoming": { readonly data: { readonly uri: "str" } };
    readonly "query-migrate": { readonly returns: "MigrationInfo" };
  };
  readonly events: {};
}

/** A client of a guest's monitor. */
export type GuestMonitor = QmpClient<QemuSchema>;

/** Speaks QMP on a connection that a program made; resolves when the negotiation is over. */
export async function openMonitor<S extends Schema>(socket: Socket): Promise<QmpClient<S>> {
  const monitor = openQmpClient<S>(socket);
  await monitor.ready;
  return monitor;
}
