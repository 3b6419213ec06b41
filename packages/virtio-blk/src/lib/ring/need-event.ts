/**
 * True if going from index `before` to index `after` passes the publication of entry `event` (virtio 1.2, 2.7.7.1: the
 * vring_need_event of its appendix). All three run free modulo 65536.
 */
export function needEvent(event: number, after: number, before: number): boolean {
  return ((after - event - 1) & 0xffff) < ((after - before) & 0xffff);
}
