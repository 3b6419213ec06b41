import { createInflightFile } from "./inflight-region.ts";
import type { ReceivedMessage } from "../channel.ts";
import {
  frontEndRequestName,
  FrontEndRequest,
  ProtocolFeature,
  VRING_INDEX_MASK,
  VRING_NO_FD,
} from "../message-numbers.ts";
import {
  decodeConfig,
  decodeInflight,
  decodeLog,
  decodeMemoryTable,
  decodeNothing,
  decodeSingleRegion,
  decodeU64,
  decodeVringAddress,
  decodeVringState,
  encodeConfig,
  encodeInflight,
  encodeU64,
  encodeVringState,
} from "../messages.ts";
import { protocolError } from "../vhost-user-error.ts";
import { MAX_SLOTS } from "./memory-table.ts";
import { OFFERED_PROTOCOL_FEATURES } from "./session.ts";
import type { Session } from "./session.ts";
import type { VringDescriptor } from "./vring.ts";

/** What a request is answered with. */
export interface Reply {
  readonly payload: Uint8Array;
  /** To be sent along and closed. */
  readonly fd?: number;
}

/** Carries out a request. Undefined: it has no reply of its own. What it throws ends the connection. */
type Handler = (
  session: Session,
  message: ReceivedMessage,
  name: string,
) => Reply | undefined | Promise<Reply | undefined>;

const DEVICE_NEEDS_RESET = 64;

function takeFd(message: ReceivedMessage, name: string): number {
  const fd = message.takeFd();
  if (fd === null) throw protocolError(`${name} came without a file descriptor`);
  return fd;
}

function replyU64(value: bigint): Reply {
  return { payload: encodeU64(value) };
}

function setVringFd(which: VringDescriptor): Handler {
  return (session, message, name) => {
    const value = decodeU64(message.payload, name);
    const vring = session.vring(Number(value & BigInt(VRING_INDEX_MASK)));
    const hasFd = (value & BigInt(VRING_NO_FD)) === 0n;
    if (!hasFd && which === "kick")
      throw protocolError("a ring without a kick descriptor, to be polled, is not supported");
    vring.setFd(which, hasFd ? takeFd(message, name) : null);
    // What happened before the descriptor came was told to nobody.
    if (which === "call" && session.device.isStarted(vring.index)) vring.call();
    session.startReady();
    return undefined;
  };
}

const enableVring: Handler = async (session, { payload }, name) => {
  const { index, num } = decodeVringState(payload, name);
  if (num > 1) throw protocolError(`${name} has value ${num}`);
  session.vring(index).enabled = num === 1;
  if (num === 0) await session.stop(index);
  else session.startReady();
  return undefined;
};

const getVringBase: Handler = async (session, { payload }, name) => {
  const { index } = decodeVringState(payload, name);
  const num = await session.stop(index);
  // A ring starts anew with a new kick descriptor.
  session.vring(index).setFd("kick", null);
  return { payload: encodeVringState({ index, num }) };
};

const setMemoryTable: Handler = (session, message, name) => {
  const regions = decodeMemoryTable(message.payload, name);
  if (message.fdCount !== regions.length) {
    throw protocolError(`${name} has ${regions.length} regions and ${message.fdCount} file descriptors`);
  }
  session.memory.replace(
    regions,
    regions.map(() => takeFd(message, name)),
  );
  session.startReady();
  return undefined;
};

const getInflight: Handler = (session, { payload }, name) => {
  // Before features are known there is room for either form of ring.
  const packed = session.device.features === 0n || session.isPacked;
  const { fd, description } = createInflightFile(session.calls, decodeInflight(payload, name), packed, session.device);
  return { payload: encodeInflight(description), fd };
};

/** Uses the only descriptor of a message, and closes it afterwards. */
function withFd(session: Session, message: ReceivedMessage, name: string, use: (fd: number) => void): void {
  const fd = takeFd(message, name);
  try {
    use(fd);
  } finally {
    session.calls.close(fd);
  }
}

function setProtocolFeatures(session: Session, payload: Uint8Array, name: string): void {
  const features = decodeU64(payload, name);
  if ((features & ~OFFERED_PROTOCOL_FEATURES) !== 0n) {
    throw protocolError(`protocol features 0x${features.toString(16)} were not offered`);
  }
  session.protocolFeatures = features;
}

/** Handlers of requests that change something and need no reply. */
function silent(handle: (session: Session, message: ReceivedMessage, name: string) => void | Promise<void>): Handler {
  return (session, message, name) => {
    const handled = handle(session, message, name);
    return handled instanceof Promise ? handled.then(() => undefined) : undefined;
  };
}

const R = FrontEndRequest;

const HANDLERS: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  [R.GET_FEATURES, (session) => replyU64(session.offeredFeatures)],
  [R.SET_FEATURES, silent((session, { payload }, name) => session.setFeatures(decodeU64(payload, name)))],
  [R.GET_PROTOCOL_FEATURES, () => replyU64(OFFERED_PROTOCOL_FEATURES)],
  [R.SET_PROTOCOL_FEATURES, silent((session, { payload }, name) => setProtocolFeatures(session, payload, name))],
  [R.GET_QUEUE_NUM, (session) => replyU64(BigInt(session.device.numQueues))],
  [R.SET_OWNER, silent((_, { payload }, name) => decodeNothing(payload, name))],
  [R.RESET_OWNER, silent((session) => session.stopAll())],
  [R.RESET_DEVICE, silent((session) => session.reset())],
  [R.SET_MEM_TABLE, setMemoryTable],
  [R.GET_MAX_MEM_SLOTS, () => replyU64(BigInt(MAX_SLOTS))],
  [
    R.ADD_MEM_REG,
    silent((session, message, name) => {
      session.memory.add(decodeSingleRegion(message.payload, name), takeFd(message, name));
      session.startReady();
    }),
  ],
  [R.REM_MEM_REG, silent((session, { payload }, name) => session.memory.remove(decodeSingleRegion(payload, name)))],
  [
    R.SET_LOG_BASE,
    (session, message, name) => {
      const log = decodeLog(message.payload, name);
      withFd(session, message, name, (fd) => session.setLog(log, fd));
      return replyU64(0n);
    },
  ],
  // It would be signalled when the log was written; front ends look at the log anyway.
  [R.SET_LOG_FD, silent((_, { payload }, name) => decodeNothing(payload, name))],
  [
    R.SET_VRING_NUM,
    silent((session, { payload }, name) => {
      const { index, num } = decodeVringState(payload, name);
      session.vring(index).size = num;
    }),
  ],
  [
    R.SET_VRING_BASE,
    silent((session, { payload }, name) => {
      const { index, num } = decodeVringState(payload, name);
      session.vring(index).base = num;
    }),
  ],
  [
    R.SET_VRING_ADDR,
    silent((session, { payload }, name) => {
      const address = decodeVringAddress(payload, name);
      session.vring(address.index).address = address;
    }),
  ],
  [R.GET_VRING_BASE, getVringBase],
  [R.SET_VRING_KICK, setVringFd("kick")],
  [R.SET_VRING_CALL, setVringFd("call")],
  [R.SET_VRING_ERR, setVringFd("err")],
  [R.SET_VRING_ENABLE, enableVring],
  [R.SET_BACKEND_REQ_FD, silent((session, message, name) => session.setBackendChannel(takeFd(message, name)))],
  [
    R.GET_CONFIG,
    (session, { payload }, name) => {
      const { offset, size } = decodeConfig(payload, name);
      return { payload: encodeConfig({ offset, size, flags: 0, bytes: session.device.readConfig(offset, size) }) };
    },
  ],
  [
    R.SET_CONFIG,
    silent((session, { payload }, name) => {
      const { offset, bytes } = decodeConfig(payload, name);
      session.device.writeConfig(offset, bytes);
    }),
  ],
  [R.GET_INFLIGHT_FD, getInflight],
  [
    R.SET_INFLIGHT_FD,
    silent((session, message, name) => {
      const inflight = decodeInflight(message.payload, name);
      withFd(session, message, name, (fd) => session.setInflight(inflight, fd));
    }),
  ],
  [
    R.SET_STATUS,
    silent((session, { payload }, name) => {
      session.status = Number(decodeU64(payload, name) & 0xffn);
      // Not a reset of the device: front ends do this with every stop, and do not repeat what the guest configured.
      return session.status === 0 ? session.stopAll() : undefined;
    }),
  ],
  [R.GET_STATUS, (session) => replyU64(BigInt(session.status | (session.device.status & DEVICE_NEEDS_RESET)))],
]);

/** @throws VhostUserError `EPROTO` for what is not known or not allowed; the connection cannot go on then. */
export function handleMessage(session: Session, message: ReceivedMessage): ReturnType<Handler> {
  const name = frontEndRequestName(message.request);
  const handler = HANDLERS.get(message.request);
  if (handler === undefined) throw protocolError(`${name} is not supported`);
  return handler(session, message, name);
}

/** True if the front end may ask for a reply to whatever it sends. */
export function acknowledges(session: Session): boolean {
  return session.hasProtocolFeature(ProtocolFeature.REPLY_ACK);
}
