import { describe } from "vitest";
import { useSockets } from "../testing/opened-driver.ts";

// All that is tested on sockets by system calls, once more on Node's streams.
useSockets("node");

describe("handshake", async () => void (await import("./handshake.test.ts")));
describe("real servers", async () => void (await import("./real-servers.test.ts")));
describe("reconnect-delay", async () => void (await import("./reconnect-delay.test.ts")));
describe("tcp", async () => void (await import("./tcp.test.ts")));
describe("upstream", async () => void (await import("./upstream.test.ts")));
