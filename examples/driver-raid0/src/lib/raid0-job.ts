import { createRequest, type BlockError, type BlockRequest } from "@rehandle/driver-sdk";

/** A request on its way through the members. Pooled, together with its members' requests. */
export class Raid0Job {
  /** One for each member, of which a request uses those that it touches. */
  readonly parts: readonly BlockRequest[];
  request: BlockRequest | null = null;
  /** Parts that were not completed yet, by member. */
  readonly open: boolean[];
  pending = 0;
  /** The first that a member failed with. */
  error: BlockError | null = null;

  /** `complete` hears of every part; the job is its `owner`. */
  constructor(members: number, complete: BlockRequest["complete"]) {
    this.parts = Array.from({ length: members }, () => createRequest({ owner: this, complete }));
    this.open = this.parts.map(() => false);
  }
}
