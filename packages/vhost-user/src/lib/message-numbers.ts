/** Requests of a front end (vhost-user.rst, "Front-end message types"), without their prefix `VHOST_USER_`. */
export const FrontEndRequest = {
  GET_FEATURES: 1,
  SET_FEATURES: 2,
  SET_OWNER: 3,
  RESET_OWNER: 4,
  SET_MEM_TABLE: 5,
  SET_LOG_BASE: 6,
  SET_LOG_FD: 7,
  SET_VRING_NUM: 8,
  SET_VRING_ADDR: 9,
  SET_VRING_BASE: 10,
  GET_VRING_BASE: 11,
  SET_VRING_KICK: 12,
  SET_VRING_CALL: 13,
  SET_VRING_ERR: 14,
  GET_PROTOCOL_FEATURES: 15,
  SET_PROTOCOL_FEATURES: 16,
  GET_QUEUE_NUM: 17,
  SET_VRING_ENABLE: 18,
  SET_BACKEND_REQ_FD: 21,
  GET_CONFIG: 24,
  SET_CONFIG: 25,
  GET_INFLIGHT_FD: 31,
  SET_INFLIGHT_FD: 32,
  RESET_DEVICE: 34,
  GET_MAX_MEM_SLOTS: 36,
  ADD_MEM_REG: 37,
  REM_MEM_REG: 38,
  SET_STATUS: 39,
  GET_STATUS: 40,
} as const;

/** The name of a front end's request, as messages and events show it. */
export function frontEndRequestName(request: number): string {
  const found = Object.entries(FrontEndRequest).find(([, number]) => number === request);
  return found === undefined ? `request ${request}` : `VHOST_USER_${found[0]}`;
}

/** Requests of a back end, over the channel that SET_BACKEND_REQ_FD gave it. */
export const BackEndRequest = {
  IOTLB_MSG: 1,
  CONFIG_CHANGE_MSG: 2,
  VRING_HOST_NOTIFIER_MSG: 3,
} as const;

/** Bits of a header's flags. The lowest two are the version. */
export const HeaderFlag = {
  VERSION: 1,
  VERSION_MASK: 3,
  REPLY: 4,
  NEED_REPLY: 8,
} as const;

/** Bit numbers of the protocol features (VHOST_USER_PROTOCOL_F_…). */
export const ProtocolFeature = {
  MQ: 0,
  LOG_SHMFD: 1,
  REPLY_ACK: 3,
  BACKEND_REQ: 5,
  CONFIG: 9,
  INFLIGHT_SHMFD: 12,
  RESET_DEVICE: 13,
  CONFIGURE_MEM_SLOTS: 15,
  STATUS: 16,
} as const;

/** Feature bits that belong to vhost, not to the device. */
export const VhostFeature = {
  /** Every write to guest memory is logged (VHOST_F_LOG_ALL). */
  LOG_ALL: 26,
  /** There are protocol features (VHOST_USER_F_PROTOCOL_FEATURES). */
  PROTOCOL_FEATURES: 30,
} as const;

/** SET_VRING_ADDR's flags: writes to the used ring are logged (VHOST_VRING_F_LOG is bit 0). */
export const VRING_ADDR_LOG = 1;
/** SET_VRING_KICK, _CALL and _ERR: the queue in the low byte, and bit 8 when no descriptor comes along. */
export const VRING_INDEX_MASK = 0xff;
export const VRING_NO_FD = 0x100;

/** Bytes of a header. */
export const HEADER_BYTES = 12;
/** Longest payload that is accepted, bytes; the longest that any message has is that of GET_CONFIG, 268. */
export const MAX_PAYLOAD = 4096;
/** Most bytes of configuration space in a message (VHOST_USER_MAX_CONFIG_SIZE). */
export const MAX_CONFIG = 256;
/** Most regions in SET_MEM_TABLE (VHOST_MEMORY_BASELINE_NREGIONS). */
export const MAX_TABLE_REGIONS = 8;
/** Bytes of guest memory per bit of the log (VHOST_LOG_PAGE). */
export const LOG_PAGE = 4096;
