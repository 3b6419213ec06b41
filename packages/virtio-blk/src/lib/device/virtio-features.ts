/** Feature bits of the block device (virtio 1.2, section 5.2.3). */
export const VirtioBlkFeature = {
  /** Bit 1. */
  SIZE_MAX: 0x2n,
  /** Bit 2. */
  SEG_MAX: 0x4n,
  /** Bit 4. */
  GEOMETRY: 0x10n,
  /** Bit 5. */
  RO: 0x20n,
  /** Bit 6. */
  BLK_SIZE: 0x40n,
  /** Bit 9. */
  FLUSH: 0x200n,
  /** Bit 10. */
  TOPOLOGY: 0x400n,
  /** Bit 11. */
  CONFIG_WCE: 0x800n,
  /** Bit 12. */
  MQ: 0x1000n,
  /** Bit 13. */
  DISCARD: 0x2000n,
  /** Bit 14. */
  WRITE_ZEROES: 0x4000n,
  /** Bit 15. */
  LIFETIME: 0x8000n,
  /** Bit 16. */
  SECURE_ERASE: 0x10000n,
  /** Bit 17. */
  ZONED: 0x20000n,
} as const;

/** Feature bits of every device (virtio 1.2, section 6). */
export const VirtioFeature = {
  /** Bit 28. */
  INDIRECT_DESC: 0x10000000n,
  /** Bit 29. */
  EVENT_IDX: 0x20000000n,
  /** Bit 32. */
  VERSION_1: 0x100000000n,
  /** Bit 33. */
  ACCESS_PLATFORM: 0x200000000n,
  /** Bit 34. */
  RING_PACKED: 0x400000000n,
  /** Bit 35. */
  IN_ORDER: 0x800000000n,
} as const;
