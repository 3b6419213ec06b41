import { describe } from "vitest";
import { useSockets } from "../testing/serve.ts";

// All that is tested on sockets by system calls, once more on Node's streams.
useSockets("node");

describe("bounds", async () => void (await import("./bounds.test.ts")));
describe("fuzz", async () => void (await import("./fuzz.test.ts")));
describe("handshake", async () => void (await import("./handshake.test.ts")));
describe("peers", async () => void (await import("./peers.test.ts")));
describe("transmission", async () => void (await import("./transmission.test.ts")));
