import { HEADER_BYTES, HeaderFlag, MAX_CONFIG, MAX_TABLE_REGIONS } from "./message-numbers.ts";
import { protocolError } from "./vhost-user-error.ts";

// Payloads are in the machine's byte order, which is little-endian wherever the system calls load.

/** The first 12 bytes of a message. */
export interface MessageHeader {
  readonly request: number;
  /** Bits of {@link HeaderFlag}. */
  readonly flags: number;
  /** Bytes of payload. */
  readonly size: number;
}

/** A vring state: what `num` means depends on the message. */
export interface VringState {
  readonly index: number;
  readonly num: number;
}

/** Where a vring lies; user addresses of the front end, but for `log`. */
export interface VringAddress {
  readonly index: number;
  readonly flags: number;
  readonly descriptor: bigint;
  readonly used: bigint;
  readonly available: bigint;
  /** Guest address at which writes to the used ring are logged. */
  readonly log: bigint;
}

/** A run of guest memory in a file. */
export interface RegionDescription {
  readonly guestAddress: bigint;
  /** Bytes. */
  readonly size: bigint;
  readonly userAddress: bigint;
  readonly mmapOffset: bigint;
}

/** Where a log lies in its file. */
export interface LogDescription {
  /** Bytes. */
  readonly size: bigint;
  readonly offset: bigint;
}

/** A part of configuration space. */
export interface ConfigAccess {
  readonly offset: number;
  /** Bytes that are asked for or carried. */
  readonly size: number;
  /** 0: written by the driver; 1: live migration. */
  readonly flags: number;
  /** `size` bytes, or none where an error is reported. */
  readonly bytes: Uint8Array;
}

/** Where an inflight region lies and what it is for. */
export interface InflightDescription {
  readonly mmapSize: bigint;
  readonly mmapOffset: bigint;
  readonly numQueues: number;
  readonly queueSize: number;
}

function viewOf(payload: Uint8Array): DataView {
  return new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
}

function requireSize(payload: Uint8Array, size: number, what: string): DataView {
  if (payload.length === size) return viewOf(payload);
  throw protocolError(`${what} has ${payload.length} bytes of payload, expected ${size}`);
}

function allocate(size: number): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(size);
  return { bytes, view: viewOf(bytes) };
}

/** A whole message. */
export function encodeMessage(request: number, flags: number, payload: Uint8Array): Uint8Array {
  const { bytes, view } = allocate(HEADER_BYTES + payload.length);
  view.setUint32(0, request, true);
  view.setUint32(4, flags | HeaderFlag.VERSION, true);
  view.setUint32(8, payload.length, true);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/** @throws VhostUserError `EPROTO` for another version. */
export function decodeHeader(bytes: Uint8Array): MessageHeader {
  const view = requireSize(bytes, HEADER_BYTES, "header");
  const header = { request: view.getUint32(0, true), flags: view.getUint32(4, true), size: view.getUint32(8, true) };
  if ((header.flags & HeaderFlag.VERSION_MASK) !== HeaderFlag.VERSION) {
    throw protocolError(
      `message has version ${header.flags & HeaderFlag.VERSION_MASK}, expected ${HeaderFlag.VERSION}`,
    );
  }
  return header;
}

/** No payload at all. @throws VhostUserError `EPROTO` as all decoders do if the payload is not of the right size. */
export function decodeNothing(payload: Uint8Array, what: string): void {
  requireSize(payload, 0, what);
}

/** A single 64-bit integer. */
export function encodeU64(value: bigint): Uint8Array {
  const { bytes, view } = allocate(8);
  view.setBigUint64(0, value, true);
  return bytes;
}

export function decodeU64(payload: Uint8Array, what: string): bigint {
  return requireSize(payload, 8, what).getBigUint64(0, true);
}

export function encodeVringState(state: VringState): Uint8Array {
  const { bytes, view } = allocate(8);
  view.setUint32(0, state.index, true);
  view.setUint32(4, state.num, true);
  return bytes;
}

export function decodeVringState(payload: Uint8Array, what: string): VringState {
  const view = requireSize(payload, 8, what);
  return { index: view.getUint32(0, true), num: view.getUint32(4, true) };
}

export function encodeVringAddress(address: VringAddress): Uint8Array {
  const { bytes, view } = allocate(40);
  view.setUint32(0, address.index, true);
  view.setUint32(4, address.flags, true);
  view.setBigUint64(8, address.descriptor, true);
  view.setBigUint64(16, address.used, true);
  view.setBigUint64(24, address.available, true);
  view.setBigUint64(32, address.log, true);
  return bytes;
}

export function decodeVringAddress(payload: Uint8Array, what: string): VringAddress {
  const view = requireSize(payload, 40, what);
  return {
    index: view.getUint32(0, true),
    flags: view.getUint32(4, true),
    descriptor: view.getBigUint64(8, true),
    used: view.getBigUint64(16, true),
    available: view.getBigUint64(24, true),
    log: view.getBigUint64(32, true),
  };
}

const REGION_BYTES = 32;

function writeRegion(view: DataView, at: number, region: RegionDescription): void {
  view.setBigUint64(at, region.guestAddress, true);
  view.setBigUint64(at + 8, region.size, true);
  view.setBigUint64(at + 16, region.userAddress, true);
  view.setBigUint64(at + 24, region.mmapOffset, true);
}

function readRegion(view: DataView, at: number): RegionDescription {
  return {
    guestAddress: view.getBigUint64(at, true),
    size: view.getBigUint64(at + 8, true),
    userAddress: view.getBigUint64(at + 16, true),
    mmapOffset: view.getBigUint64(at + 24, true),
  };
}

/** A memory table of up to 8 regions. */
export function encodeMemoryTable(regions: readonly RegionDescription[]): Uint8Array {
  const { bytes, view } = allocate(8 + REGION_BYTES * regions.length);
  view.setUint32(0, regions.length, true);
  for (const [index, region] of regions.entries()) writeRegion(view, 8 + REGION_BYTES * index, region);
  return bytes;
}

/** Front ends send the regions that there are, or room for more of them: for eight, and User-Mode Linux for two. */
export function decodeMemoryTable(payload: Uint8Array, what: string): RegionDescription[] {
  if (payload.length < 8) throw protocolError(`${what} has ${payload.length} bytes of payload, expected at least 8`);
  const view = viewOf(payload);
  const count = view.getUint32(0, true);
  if (count > MAX_TABLE_REGIONS) throw protocolError(`${what} has ${count} regions, more than ${MAX_TABLE_REGIONS}`);
  const room = (payload.length - 8) / REGION_BYTES;
  const isEnough = Number.isInteger(room) && room >= count && room <= MAX_TABLE_REGIONS;
  if (!isEnough) requireSize(payload, 8 + REGION_BYTES * count, what);
  return Array.from({ length: count }, (_, index) => readRegion(view, 8 + REGION_BYTES * index));
}

/** One region, after 8 bytes of padding. */
export function encodeSingleRegion(region: RegionDescription): Uint8Array {
  const { bytes, view } = allocate(8 + REGION_BYTES);
  writeRegion(view, 8, region);
  return bytes;
}

export function decodeSingleRegion(payload: Uint8Array, what: string): RegionDescription {
  return readRegion(requireSize(payload, 8 + REGION_BYTES, what), 8);
}

export function encodeLog(log: LogDescription): Uint8Array {
  const { bytes, view } = allocate(16);
  view.setBigUint64(0, log.size, true);
  view.setBigUint64(8, log.offset, true);
  return bytes;
}

export function decodeLog(payload: Uint8Array, what: string): LogDescription {
  const view = requireSize(payload, 16, what);
  return { size: view.getBigUint64(0, true), offset: view.getBigUint64(8, true) };
}

const CONFIG_HEADER = 12;

/** `access.bytes` are carried; `access.size` may differ from their number only where none are. */
export function encodeConfig(access: ConfigAccess): Uint8Array {
  const { bytes, view } = allocate(CONFIG_HEADER + access.bytes.length);
  view.setUint32(0, access.offset, true);
  view.setUint32(4, access.size, true);
  view.setUint32(8, access.flags, true);
  bytes.set(access.bytes, CONFIG_HEADER);
  return bytes;
}

export function decodeConfig(payload: Uint8Array, what: string): ConfigAccess {
  if (payload.length < CONFIG_HEADER) {
    throw protocolError(`${what} has ${payload.length} bytes of payload, expected at least ${CONFIG_HEADER}`);
  }
  const view = viewOf(payload);
  const offset = view.getUint32(0, true);
  const size = view.getUint32(4, true);
  if (offset + size > MAX_CONFIG) throw protocolError(`${what} reaches beyond ${MAX_CONFIG} bytes of configuration`);
  requireSize(payload, CONFIG_HEADER + size, what);
  return { offset, size, flags: view.getUint32(8, true), bytes: payload.subarray(CONFIG_HEADER) };
}

/** QEMU's compiler pads the structure to 24 bytes. Others pack it. */
const INFLIGHT_BYTES = 24;
const PACKED_INFLIGHT_BYTES = 20;

export function encodeInflight(inflight: InflightDescription): Uint8Array {
  const { bytes, view } = allocate(INFLIGHT_BYTES);
  view.setBigUint64(0, inflight.mmapSize, true);
  view.setBigUint64(8, inflight.mmapOffset, true);
  view.setUint16(16, inflight.numQueues, true);
  view.setUint16(18, inflight.queueSize, true);
  return bytes;
}

export function decodeInflight(payload: Uint8Array, what: string): InflightDescription {
  const size = payload.length === PACKED_INFLIGHT_BYTES ? PACKED_INFLIGHT_BYTES : INFLIGHT_BYTES;
  const view = requireSize(payload, size, what);
  return {
    mmapSize: view.getBigUint64(0, true),
    mmapOffset: view.getBigUint64(8, true),
    numQueues: view.getUint16(16, true),
    queueSize: view.getUint16(18, true),
  };
}
