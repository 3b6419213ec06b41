import type { BlockErrorClass, BlockErrorCode } from "@rehandle/driver-sdk";

/** One thing that happened to a request. `at` is the clock's milliseconds. */
export type TimelineItem =
  | { readonly at: number; readonly what: "held"; readonly why: "failed" | "outage" | "stop" }
  | { readonly at: number; readonly what: "waits-for-overlap"; readonly blockers: number }
  | { readonly at: number; readonly what: "sent"; readonly attempt: number }
  | {
      readonly at: number;
      readonly what: "failed";
      readonly attempt: number;
      readonly code: BlockErrorCode;
      readonly errorClass: BlockErrorClass;
      readonly message: string;
    }
  | { readonly at: number; readonly what: "late"; readonly attempt: number; readonly detached: boolean }
  | { readonly at: number; readonly what: "sent-again-after-restart"; readonly attempt: number };

/** The first items that a timeline keeps for good, and how many of the newest besides. */
const OLDEST = 8;
const NEWEST = 24;

/**
 * A timeline with one more item, which never grows beyond 32 items: the oldest and the newest stay. A list of exactly its
 * length, because there are as many of them as requests are held, and one that grows by itself has room for 16 more.
 */
export function appendToTimeline(timeline: readonly TimelineItem[], item: TimelineItem): TimelineItem[] {
  if (timeline.length < OLDEST + NEWEST) return [...timeline, item];
  return [...timeline.slice(0, OLDEST), ...timeline.slice(OLDEST + 1), item];
}
