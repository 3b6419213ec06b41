/** What it took to hold requests and to release them. */
export interface HoldReport {
  /** Processor time for each request, held and released. */
  readonly ns: number;
  /** Heap for each request while it is held, without the request itself. */
  readonly bytes: number;
}
