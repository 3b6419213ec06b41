import { FrontEndRequest, VRING_ADDR_LOG } from "../message-numbers.ts";
import { decodeVringState, encodeU64, encodeVringAddress, encodeVringState } from "../messages.ts";
import { protocolError } from "../vhost-user-error.ts";
import type { FrontEndMemory } from "./front-end-memory.ts";
import type { Session } from "./session.ts";
import type { Vring } from "./vring.ts";

/** Tells the back end all that it needs to know of a vring, and enables it. It is kicked for what is in it already. */
export async function startVring(
  session: Session,
  vring: Vring,
  memory: FrontEndMemory,
  options: { readonly logged: boolean; readonly enable: boolean },
): Promise<void> {
  const { index, size, base } = vring;
  await session.command(FrontEndRequest.SET_VRING_NUM, encodeVringState({ index, num: size }));
  await session.command(FrontEndRequest.SET_VRING_BASE, encodeVringState({ index, num: base }));
  await sendVringAddress(session, vring, memory, options.logged);
  const payload = encodeU64(BigInt(index));
  await session.command(FrontEndRequest.SET_VRING_CALL, payload, [vring.callFd]);
  await session.command(FrontEndRequest.SET_VRING_ERR, payload, [vring.errFd]);
  await session.command(FrontEndRequest.SET_VRING_KICK, payload, [vring.kickFd]);
  if (options.enable) await enableVring(session, index, true);
  vring.kickNow();
}

/** SET_VRING_ADDR; while the vring runs only `logged` may change. */
export function sendVringAddress(
  session: Session,
  { index, queue }: Vring,
  memory: FrontEndMemory,
  logged: boolean,
): Promise<void> {
  const { descriptorArea, driverArea, deviceArea } = queue.settings;
  const user = (address: number): bigint => BigInt(memory.userAddressOf(address));
  const payload = encodeVringAddress({
    index,
    flags: logged ? VRING_ADDR_LOG : 0,
    descriptor: user(descriptorArea),
    available: user(driverArea),
    used: user(deviceArea),
    log: logged ? BigInt(deviceArea) : 0n,
  });
  return session.command(FrontEndRequest.SET_VRING_ADDR, payload);
}

/** SET_VRING_ENABLE. */
export function enableVring(session: Session, index: number, enabled: boolean): Promise<void> {
  return session.command(FrontEndRequest.SET_VRING_ENABLE, encodeVringState({ index, num: enabled ? 1 : 0 }));
}

/** Stops a vring, and notes where it has to go on. */
export async function stopVring(session: Session, vring: Vring, wasEnabled: boolean): Promise<void> {
  const { index } = vring;
  if (wasEnabled) await enableVring(session, index, false);
  const { payload } = await session.request(FrontEndRequest.GET_VRING_BASE, encodeVringState({ index, num: 0 }));
  const state = decodeVringState(payload, "reply to VHOST_USER_GET_VRING_BASE");
  if (state.index !== index) throw protocolError(`the back end told the base of vring ${state.index}, not ${index}`);
  vring.base = state.num;
}
