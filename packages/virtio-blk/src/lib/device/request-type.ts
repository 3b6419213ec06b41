/** What a request asks for: the first field of its header (virtio 1.2, section 5.2.6). Types that are not here are unsupported. */
export const VirtioBlkRequestType = {
  /** VIRTIO_BLK_T_IN: read. */
  IN: 0,
  /** VIRTIO_BLK_T_OUT: write. */
  OUT: 1,
  /** VIRTIO_BLK_T_FLUSH. */
  FLUSH: 4,
  /** VIRTIO_BLK_T_GET_ID: the serial, 20 bytes. */
  GET_ID: 8,
  /** VIRTIO_BLK_T_GET_LIFETIME: never offered. */
  GET_LIFETIME: 10,
  /** VIRTIO_BLK_T_DISCARD. */
  DISCARD: 11,
  /** VIRTIO_BLK_T_WRITE_ZEROES. */
  WRITE_ZEROES: 13,
  /** VIRTIO_BLK_T_SECURE_ERASE: never offered. */
  SECURE_ERASE: 14,
} as const;

/** What became of a request: its last byte (virtio 1.2, section 5.2.6). */
export const VirtioBlkStatus = {
  /** VIRTIO_BLK_S_OK. */
  OK: 0,
  /** VIRTIO_BLK_S_IOERR: it failed, or it was wrong. */
  IOERR: 1,
  /** VIRTIO_BLK_S_UNSUPP: the device does not do this. */
  UNSUPP: 2,
} as const;

/** One of {@link VirtioBlkStatus}. */
export type RequestStatus = (typeof VirtioBlkStatus)[keyof typeof VirtioBlkStatus];

/** Bytes of a sector, the unit of all positions and sizes, whatever the block size is. */
export const SECTOR_SIZE = 512;

/** Bytes of what GET_ID answers (VIRTIO_BLK_ID_BYTES). */
export const ID_BYTES = 20;
