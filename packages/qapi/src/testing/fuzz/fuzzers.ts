import { fuzzClient } from "./fuzz-client.ts";
import { fuzzJson } from "./fuzz-json.ts";
import { fuzzSchema } from "./fuzz-schema.ts";
import { fuzzServer } from "./fuzz-server.ts";

/** One round of each kind: it throws if anything is wrong, and returns how many bytes were read. */
export const fuzzers: readonly { readonly name: string; run: (seed: number) => number | Promise<number> }[] = [
  { name: "json", run: fuzzJson },
  { name: "schema", run: fuzzSchema },
  { name: "server", run: fuzzServer },
  { name: "client", run: fuzzClient },
];
