/**
 * The defects of the RFC and of what shipped, one test each. Every test states what the RFC does, and fails on it.
 */
import { RequestFlag } from "@rehandle/driver-sdk";
import { describe, expect, it } from "vitest";

import { Bench } from "../testing/scripted-driver.ts";
import { RFC_BACKOFF } from "./backoff.ts";

describe("defects of the RFC, put right", () => {
  it("a steady stream of failures does not starve the retry", async () => {
    // RFC: every newly queued request sets the 5 s timer anew, so one failure every 4 s means no retry, ever.
    const bench = await Bench.open({ backoff: RFC_BACKOFF });
    bench.driver.decide = () => "EIO";
    for (let n = 0; n < 5; n += 1) {
      bench.read(n * 512);
      bench.clock.advance(4_000);
    }
    expect(bench.backend.statistics().probes).toBeGreaterThanOrEqual(3);
  });

  it("one success does not end the hang while others are held", async () => {
    // RFC: any completion without EIO flips HANG to NORMAL; the next retry failure flips it back: events flap.
    const bench = await Bench.open();
    bench.driver.decide = ({ operation, offset }) => (operation === "write" && offset === 512 ? "EIO" : "ok");
    const write = bench.write(512);
    for (let n = 0; n < 20; n += 1) {
      expect(bench.read(4096).state).toBe("ok");
      bench.clock.advance(500);
    }
    expect(write.state).toBe("pending");
    expect(bench.hangEvents).toEqual(["hang on"]);
    bench.driver.decide = () => "ok";
    bench.clock.advance(6_000);
    expect(write.state).toBe("ok");
    expect(bench.hangEvents).toEqual(["hang on", "hang off"]);
  });

  it("working reads do not restart the clock of the outage", async () => {
    // RFC: each success between resets iohang_time, so failing writes behind working reads never time out.
    const bench = await Bench.open({ iohangTimeout: 5 });
    bench.driver.decide = ({ operation }) => (operation === "write" ? "EIO" : "ok");
    const write = bench.write(0);
    while (bench.clock.now() < 4_900) {
      bench.read(4096);
      bench.clock.advance(100);
    }
    expect(write.state).toBe("pending");
    bench.clock.advance(200);
    expect([write.state, write.at]).toEqual(["EIO", 5_000]);
  });

  it("the end of a timed-out hang is told", async () => {
    // RFC: BLOCK_IO_HANG_TIMEOUT set=false is documented and never sent.
    const bench = await Bench.open({ iohangTimeout: 1 });
    bench.driver.decide = () => "EIO";
    bench.read(0);
    bench.clock.advance(1_500);
    bench.driver.decide = () => "ok";
    bench.clock.advance(10_000);
    expect(bench.hangEvents).toEqual(["hang on", "hang-timeout on", "hang-timeout off", "hang off"]);
  });

  it("events name their outage", async () => {
    // RFC: `set` and nothing else. (Device and node name are the daemon's to add: it gave them.)
    const bench = await Bench.open();
    for (let outage = 1; outage <= 2; outage += 1) {
      bench.driver.decide = () => "EIO";
      bench.read(0);
      bench.driver.decide = () => "ok";
      bench.clock.advance(10_000);
      const two = bench.events.slice(-2);
      expect(two).toMatchObject([
        { type: "hang", set: true, outage },
        { type: "hang", set: false, outage },
      ]);
    }
  });

  it("held requests are sent oldest first", async () => {
    // openEuler: a LIFO list.
    const bench = await Bench.open();
    bench.driver.decide = () => "ECONNRESET";
    for (let n = 1; n <= 20; n += 1) bench.write(n * 512);
    bench.driver.decide = () => "ok";
    bench.driver.seen.length = 0;
    bench.clock.advance(10_000);
    const offsets = bench.driver.seen
      .filter((line) => line.startsWith("write"))
      .map((line) => parseInt(line.slice(6), 10));
    expect(offsets).toEqual(Array.from({ length: 20 }, (_, n) => (n + 1) * 512));
  });

  it("overlapping requests keep their order, whatever becomes of the first", async () => {
    const bench = await Bench.open();
    bench.driver.decide = ({ operation, offset }) => (operation === "write" && offset === 0 ? "EIO" : "ok");
    const first = bench.write(0, 1024, 1);
    const second = bench.write(512, 1024, 2);
    const third = bench.read(1024);
    bench.clock.advance(1_000);
    expect([first.state, second.state, third.state]).toEqual(["pending", "pending", "pending"]);
    bench.driver.decide = () => "ok";
    bench.driver.seen.length = 0;
    bench.clock.advance(10_000);
    expect(bench.driver.seen.filter((line) => line !== "read 0+512")).toEqual([
      "write 0+1024",
      "write 512+1024",
      "read 1024+512",
    ]);
  });

  it("one probe asks whether the storage is back, not every held request", async () => {
    // RFC: all held requests are sent together every 5 s.
    const bench = await Bench.open({ backoff: RFC_BACKOFF });
    bench.driver.decide = () => "ECONNRESET";
    for (let n = 0; n < 100; n += 1) bench.write(n * 512);
    bench.driver.seen.length = 0;
    bench.clock.advance(20_001);
    expect(bench.driver.seen).toEqual(Array.from({ length: 4 }, () => "read 0+512"));
  });

  it("after the probe the rest follow with a growing window", async () => {
    const bench = await Bench.open();
    bench.driver.decide = () => "ECONNRESET";
    for (let n = 0; n < 15; n += 1) bench.write(n * 512);
    bench.driver.decide = ({ operation }) => (operation === "write" ? "wait" : "ok");
    bench.clock.advance(1_000);
    const windows: number[] = [];
    while (bench.driver.waiting.length > 0) {
      windows.push(bench.driver.waiting.length);
      for (let left = windows.at(-1)!; left > 0; left -= 1) bench.driver.answer();
    }
    expect(windows).toEqual([1, 2, 4, 8]);
  });

  it("recovery is armed again after a drain has ended", async () => {
    // RFC: the timer is dropped by the drain, and nothing sets it again.
    const bench = await Bench.open();
    bench.driver.decide = () => "ECONNRESET";
    const write = bench.write(0);
    const drained = bench.backend.drain({ held: "wait", deadline: 1_000 });
    bench.clock.advance(1_000);
    expect(await drained).toMatchObject({ quiescent: true, held: 1 });
    bench.driver.seen.length = 0;
    bench.clock.advance(60_000);
    expect(bench.driver.seen).toEqual([]);
    bench.driver.decide = () => "ok";
    bench.backend.drainEnd();
    bench.clock.advance(10_000);
    expect(write.state).toBe("ok");
  });

  it("an error says whether the connection was lost or the storage answered", async () => {
    // RFC: EIO is EIO. Here a policy can hold lost connections only, as NBD's reconnect does.
    const bench = await Bench.open({
      holdRules: [
        { errorClass: "transport", hold: true, reason: "lost" },
        { hold: false, reason: "answered" },
      ],
    });
    bench.driver.decide = ({ offset }) => (offset === 0 ? "ECONNRESET" : "EIO");
    // The answered error comes first: once the way is lost nothing is tried.
    expect(bench.read(512).error).toMatchObject({ code: "EIO", errorClass: "storage" });
    expect(bench.read(0).state).toBe("pending");
  });

  it("a FLUSH after a restart of the backend covers the writes that the restart lost", async () => {
    // RFC and everybody: the FLUSH is simply sent again, and succeeds without them.
    const bench = await Bench.open({}, { instance: "unknown", reportsConnection: true });
    expect(bench.write(0, 512, 7).state).toBe("ok");
    bench.driver.decide = () => "wait";
    const flush = bench.flush();
    bench.driver.disconnect();
    bench.driver.answer("ECONNRESET");
    bench.driver.seen.length = 0;
    const written: number[] = [];
    bench.driver.decide = ({ operation, iov }) => {
      if (operation === "write") written.push(iov[0]![0]!);
      return "ok";
    };
    bench.driver.connect();
    expect(flush.state).toBe("ok");
    expect(bench.driver.seen).toEqual(["write 0+512", "flush"]);
    expect(written).toEqual([7]);
    // A second restart has nothing to lose any more.
    bench.driver.seen.length = 0;
    bench.driver.disconnect();
    bench.driver.connect();
    expect(bench.driver.seen).toEqual([]);
  });

  it("a FUA write is not written over by an older one that is written again", async () => {
    const bench = await Bench.open({}, { instance: "unknown", reportsConnection: true, fua: true });
    bench.write(0, 512, 1);
    bench.write(0, 512, 2, RequestFlag.FUA);
    bench.driver.seen.length = 0;
    bench.driver.disconnect();
    bench.driver.connect();
    expect(bench.driver.seen).toEqual(["write 0+512", "write 0+512"]);
  });
});
