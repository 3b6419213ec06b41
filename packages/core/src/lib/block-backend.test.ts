import { RequestFlag, createRequest, defineCapabilities } from "@rehandle/driver-sdk";
import { describe, expect, it } from "vitest";

import { RFC_BACKOFF } from "./backoff.ts";
import { Bench } from "../testing/scripted-driver.ts";

describe("what is held", () => {
  it.each(["EIO", "ECONNRESET", "ETIMEDOUT", "ENOTCONN", "ESHUTDOWN"])("%s is held by default", async (code) => {
    const bench = await Bench.open();
    bench.driver.decide = () => code;
    const read = bench.read(0);
    expect(read.state).toBe("pending");
    bench.driver.decide = () => "ok";
    bench.clock.advance(10_000);
    expect(read.state).toBe("ok");
  });

  it.each(["ENOSPC", "EROFS", "EINVAL", "EPERM", "ENOTSUP", "EDQUOT"])("%s is reported at once", async (code) => {
    const bench = await Bench.open();
    bench.driver.decide = () => code;
    expect(bench.write(0).state).toBe(code);
    expect(bench.hangEvents).toEqual([]);
    expect(bench.events).toMatchObject([{ type: "io-error", action: "report", code, operation: "write" }]);
  });

  it("with I/O hang off nothing is held, and the driver is told so", async () => {
    const bench = await Bench.open({ iohangTimeout: 0 });
    bench.driver.decide = () => "EIO";
    expect([bench.read(0).state, bench.driver.held, bench.backend.policy.holds]).toEqual(["EIO", false, false]);
  });

  it("a request is held for its direction's own time, then its action counts", async () => {
    const bench = await Bench.open({
      iohangTimeout: 0,
      write: { retryInterval: 1_000, retryTimeout: 15_000, action: "stop" },
      read: { retryInterval: 1_000, retryTimeout: 3_000, action: "report" },
    });
    bench.driver.decide = () => "EIO";
    const [write, read] = [bench.write(0), bench.read(4096)];
    bench.clock.advance(2_999);
    expect(read.state).toBe("pending");
    bench.clock.advance(30);
    expect([read.state, write.state]).toEqual(["EIO", "pending"]);
    bench.clock.advance(13_000);
    expect([write.state, bench.backend.ioStatus]).toEqual(["pending", "stopped"]);
    bench.driver.decide = () => "ok";
    bench.clock.advance(60_000);
    expect(write.state).toBe("pending");
    bench.backend.resume();
    expect([write.state, bench.backend.ioStatus]).toEqual(["ok", "running"]);
  });

  it("the action ignore completes with success, and shows nothing of the old buffer", async () => {
    const bench = await Bench.open({ iohangTimeout: 0, read: { action: "ignore" } });
    bench.driver.decide = (request) => {
      request.iov[0]?.fill(9);
      return "EIO";
    };
    const read = bench.read(0, 16);
    expect([read.state, [...read.request.iov[0]!]]).toEqual(["ok", Array.from({ length: 16 }).fill(0)]);
    expect(bench.events).toMatchObject([{ type: "io-error", action: "ignore" }]);
  });

  it("enospc stops on a full disk and reports everything else", async () => {
    const bench = await Bench.open({ iohangTimeout: 0, write: { action: "enospc" } });
    bench.driver.decide = () => "EIO";
    expect(bench.write(0).state).toBe("EIO");
    bench.driver.decide = () => "ENOSPC";
    const [full, next] = [bench.write(0), bench.read(4096)];
    expect([full.state, next.state, bench.backend.ioStatus]).toEqual(["pending", "pending", "stopped"]);
    expect(bench.events.at(-1)).toMatchObject({ type: "io-error", action: "stop", nospace: true });
    // Space was not made yet: it stops again.
    bench.backend.resume();
    expect([full.state, bench.backend.ioStatus]).toEqual(["pending", "stopped"]);
    bench.driver.decide = () => "ok";
    bench.backend.resume();
    expect([full.state, next.state]).toEqual(["ok", "ok"]);
  });

  it("says why a request is held", async () => {
    const bench = await Bench.open();
    bench.driver.decide = () => "ECONNRESET";
    bench.write(4096);
    bench.clock.advance(250);
    const [held] = bench.backend.heldRequests();
    expect(held).toMatchObject({
      operation: "write",
      offset: 4096,
      attempts: 1,
      heldMs: 250,
      lastError: {
        code: "ECONNRESET",
        errorClass: "transport",
        rule: "the way to the storage is lost; it may come back",
      },
      timeline: [
        { at: 0, what: "failed", attempt: 1, code: "ECONNRESET" },
        { at: 0, what: "held", why: "failed" },
      ],
    });
  });
});

describe("timelines", () => {
  it("begin with the outage for a request that came into one, and go on from there", async () => {
    const bench = await Bench.open({}, { reportsConnection: true });
    bench.driver.disconnect();
    bench.clock.advance(10);
    bench.write(4096);
    const held = { at: 10, what: "held", why: "outage" };
    expect(bench.backend.heldRequests()[0]!.timeline).toEqual([held]);
    bench.clock.advance(10);
    bench.driver.decide = () => "ECONNRESET";
    bench.driver.connect();
    expect(bench.backend.heldRequests()[0]!.timeline.slice(0, 2)).toEqual([held, { at: 20, what: "sent", attempt: 1 }]);
  });

  it("know of no outage if the action `stop` held a request", async () => {
    const bench = await Bench.open({ write: { action: "stop" } });
    bench.driver.decide = () => "ENOSPC";
    bench.write(4096);
    expect(bench.backend.heldRequests()[0]!.timeline.map(({ what }) => what)).toEqual(["held"]);
    expect(bench.backend.heldRequests()[0]!.timeline[0]).toMatchObject({ why: "stop" });
  });
});

describe("iohang-timeout", () => {
  it("fails what is held when it is reached, and what comes later at once, until an I/O succeeds", async () => {
    const bench = await Bench.open({ iohangTimeout: 5 }, { reportsConnection: true });
    bench.driver.decide = () => "ECONNRESET";
    bench.driver.disconnect();
    const early = bench.read(0);
    bench.clock.advance(4_999);
    expect(early.state).toBe("pending");
    bench.clock.advance(1);
    expect([early.state, early.error!.errorClass]).toEqual(["EIO", "transport"]);
    const late = bench.read(0);
    expect(late.state).toBe("EIO");
    bench.driver.decide = () => "ok";
    bench.driver.connect();
    expect(bench.read(0).state).toBe("ok");
    expect(bench.hangEvents).toEqual(["hang on", "hang-timeout on", "hang-timeout off", "hang off"]);
  });

  it("is over as soon as any I/O succeeds", async () => {
    const bench = await Bench.open({ iohangTimeout: 5, backoff: { initialMs: 100_000, maxMs: 100_000 } });
    bench.driver.decide = ({ offset }) => (offset === 0 ? "EIO" : "ok");
    bench.write(0);
    bench.clock.advance(5_000);
    expect(bench.backend.hangState).toBe("timed-out");
    bench.read(4096);
    expect(bench.hangEvents).toEqual(["hang on", "hang-timeout on", "hang-timeout off", "hang off"]);
  });

  it("counts from the first failure, not from each", async () => {
    const bench = await Bench.open({ iohangTimeout: 5 });
    bench.driver.decide = () => "EIO";
    bench.read(0);
    bench.clock.advance(4_000);
    const second = bench.read(512);
    bench.clock.advance(1_000);
    expect([second.state, second.at]).toEqual(["EIO", 5_000]);
  });

  it("stands still while paused, and can be extended", async () => {
    const bench = await Bench.open({ iohangTimeout: 5 });
    bench.driver.decide = () => "EIO";
    const read = bench.read(0);
    bench.clock.advance(4_000);
    bench.backend.pause();
    bench.clock.advance(60_000);
    bench.backend.resume();
    bench.backend.extend(2_000);
    bench.clock.advance(2_999);
    expect(read.state).toBe("pending");
    bench.clock.advance(1);
    expect(read.state).toBe("EIO");
  });
});

describe("recovery", () => {
  it("sends held requests at once when the driver is connected again", async () => {
    const bench = await Bench.open({}, { reportsConnection: true });
    bench.driver.decide = () => "ECONNRESET";
    const read = bench.read(0);
    bench.driver.disconnect();
    const queued = bench.read(512);
    bench.clock.advance(60_000);
    expect(bench.driver.seen).toEqual(["read 0+512"]);
    bench.driver.decide = () => "ok";
    bench.driver.connect();
    expect([read.state, queued.state, read.at]).toEqual(["ok", "ok", 60_000]);
  });

  it("one bad sector does not keep the others waiting", async () => {
    const bench = await Bench.open();
    bench.driver.decide = () => "EIO";
    const requests = Array.from({ length: 50 }, (_, n) => bench.write(n * 512));
    bench.driver.decide = ({ offset, operation }) => (operation === "write" && offset === 0 ? "EIO" : "ok");
    bench.clock.advance(2_000);
    expect(requests.map(({ state }) => state)).toEqual(["pending", ...Array.from({ length: 49 }).fill("ok")]);
    expect(bench.read(40_960).state).toBe("ok");
  });

  it("many bad sectors in front do not either", async () => {
    const bench = await Bench.open();
    bench.driver.decide = () => "EIO";
    const requests = Array.from({ length: 40 }, (_, n) => bench.write(n * 512));
    bench.driver.decide = ({ offset, operation }) => (operation === "write" && offset < 20 * 512 ? "EIO" : "ok");
    bench.clock.advance(60_000);
    expect(requests.filter(({ state }) => state === "ok")).toHaveLength(20);
  });

  it("a cycle in which nothing but failures come is over after four", async () => {
    const bench = await Bench.open({ backoff: RFC_BACKOFF });
    bench.driver.decide = ({ operation }) => (operation === "write" ? "EIO" : "ok");
    for (let n = 0; n < 100; n += 1) bench.write(n * 512);
    bench.driver.seen.length = 0;
    bench.clock.advance(5_001);
    expect(bench.driver.seen).toEqual([
      "read 0+512",
      "write 0+512",
      "write 512+512",
      "write 1024+512",
      "write 1536+512",
    ]);
    // The next one goes on behind them, even if the request that would be first has left meanwhile.
    const fifth = bench.backend.heldRequests().find(({ offset }) => offset === 2048)!;
    expect(bench.backend.failHeld(fifth.id)).toBe(1);
    bench.driver.seen.length = 0;
    bench.clock.advance(5_001);
    expect(bench.driver.seen).toEqual([
      "read 0+512",
      "write 2560+512",
      "write 3072+512",
      "write 3584+512",
      "write 4096+512",
    ]);
  });

  it("a bad sector is tried once after each probe", async () => {
    const bench = await Bench.open({ backoff: RFC_BACKOFF });
    bench.driver.decide = ({ operation }) => (operation === "write" ? "EIO" : "ok");
    bench.write(512);
    bench.driver.seen.length = 0;
    bench.clock.advance(10_001);
    expect(bench.driver.seen).toEqual(["read 0+512", "write 512+512", "read 0+512", "write 512+512"]);
  });

  it("a cycle that goes on behind the last one comes round to each request once", async () => {
    const bench = await Bench.open({ backoff: RFC_BACKOFF });
    bench.driver.decide = ({ operation }) => (operation === "write" ? "EIO" : "ok");
    for (let n = 0; n < 5; n += 1) bench.write(n * 512);
    bench.clock.advance(5_001);
    for (const { id, offset } of bench.backend.heldRequests()) {
      if (offset !== 512 && offset !== 2048) bench.backend.failHeld(id);
    }
    bench.driver.seen.length = 0;
    bench.clock.advance(5_001);
    expect(bench.driver.seen).toEqual(["read 0+512", "write 2048+512", "write 512+512"]);
  });

  it("a new outage begins with the first wait of the backoff", async () => {
    const bench = await Bench.open();
    for (const outage of [1, 2]) {
      bench.driver.decide = () => "EIO";
      bench.read(0);
      bench.driver.seen.length = 0;
      bench.clock.advance(100);
      expect([outage, bench.driver.seen]).toEqual([outage, ["read 0+512"]]);
      bench.clock.advance(60_000);
      bench.driver.decide = () => "ok";
      bench.clock.advance(10_000);
    }
  });

  it("a connection that is back counts more than a retry interval", async () => {
    const bench = await Bench.open({ write: { retryInterval: 10_000 } }, { reportsConnection: true });
    bench.driver.decide = () => "ECONNRESET";
    const write = bench.write(0);
    bench.driver.disconnect();
    bench.clock.advance(1_000);
    bench.driver.decide = () => "ok";
    bench.driver.connect();
    expect([write.state, write.at]).toEqual(["ok", 1_000]);
  });

  it("a driver that cannot tell may have lost its cache in any outage", async () => {
    const bench = await Bench.open({}, { instance: "unknown" });
    bench.write(0, 512, 1);
    bench.driver.decide = () => "ECONNRESET";
    const read = bench.read(0);
    bench.driver.decide = () => "ok";
    bench.driver.seen.length = 0;
    bench.clock.advance(1_000);
    expect([read.state, bench.driver.seen]).toEqual(["ok", ["read 0+512", "write 0+512", "read 0+512"]]);
  });

  it("so it may when the storage answered EIO for a while, but not for each try at a bad sector", async () => {
    const bench = await Bench.open({ backoff: RFC_BACKOFF }, { instance: "unknown" });
    bench.write(0, 512, 1);
    bench.driver.decide = ({ offset }) => (offset === 4096 ? "EIO" : "ok");
    bench.read(4096);
    bench.driver.seen.length = 0;
    bench.clock.advance(10_001);
    expect(bench.driver.seen).toEqual(["read 0+512", "write 0+512", "read 4096+512", "read 0+512", "read 4096+512"]);
    // The whole storage fails for a moment: it may have been another restart.
    bench.driver.decide = () => "EIO";
    bench.clock.advance(5_000);
    bench.driver.decide = () => "ok";
    bench.driver.seen.length = 0;
    bench.clock.advance(5_000);
    expect(bench.driver.seen).toEqual(["read 0+512", "write 0+512", "read 4096+512"]);
  });

  it("resume asks the storage before it judges what stop had held", async () => {
    const bench = await Bench.open(
      { iohangTimeout: 0, write: { action: "stop" }, read: { retryTimeout: 60_000 } },
      { instance: "unknown" },
    );
    bench.write(0, 512, 1);
    bench.driver.decide = () => "ECONNRESET";
    bench.read(4096);
    const write = bench.write(512);
    expect(bench.backend.ioStatus).toBe("stopped");
    bench.backend.resume();
    expect([bench.backend.ioStatus, write.state]).toEqual(["stopped", "pending"]);
    bench.driver.decide = () => "ok";
    bench.backend.resume();
    expect([bench.backend.ioStatus, write.state]).toEqual(["running", "ok"]);
  });

  it("retry-now does not wait for the backoff", async () => {
    const bench = await Bench.open({ backoff: { initialMs: 5_000 } });
    bench.driver.decide = () => "EIO";
    const read = bench.read(0);
    bench.driver.decide = () => "ok";
    bench.backend.retryNow();
    expect([read.state, bench.clock.now()]).toEqual(["ok", 0]);
  });

  it("nothing goes through before the log is written again, and a failing replay is tried again", async () => {
    const bench = await Bench.open({}, { reportsConnection: true, instance: "unknown" });
    bench.write(0, 512, 1);
    bench.driver.disconnect();
    const read = bench.read(0);
    bench.driver.decide = ({ operation }) => (operation === "write" ? "EIO" : "ok");
    bench.driver.connect();
    bench.clock.advance(3_000);
    expect(read.state).toBe("pending");
    expect(bench.events.some(({ type }) => type === "replay-failed")).toBe(true);
    bench.driver.decide = () => "ok";
    bench.clock.advance(10_000);
    expect(read.state).toBe("ok");
  });

  it("a known instance has lost nothing", async () => {
    const bench = await Bench.open({}, { reportsConnection: true, instance: "reported" });
    bench.driver.disconnect();
    bench.driver.connect("one");
    bench.write(0);
    bench.driver.seen.length = 0;
    bench.driver.disconnect();
    bench.driver.connect("one");
    expect(bench.driver.seen).toEqual([]);
    bench.driver.disconnect();
    bench.driver.connect("two");
    expect(bench.driver.seen).toEqual(["write 0+512"]);
  });

  it("an answer of the old instance that comes after the restart does not count", async () => {
    const bench = await Bench.open({}, { reportsConnection: true, instance: "unknown" });
    bench.driver.decide = () => "wait";
    const write = bench.write(0, 512, 1);
    bench.driver.disconnect();
    bench.driver.connect();
    bench.driver.decide = () => "ok";
    bench.driver.seen.length = 0;
    // It was done by a server that is gone since, and its cache with it.
    bench.driver.answer();
    bench.clock.advance(1_000);
    expect([write.state, bench.driver.seen]).toEqual(["ok", ["read 0+512", "write 0+512"]]);
  });

  it("a flush covers what was acknowledged before it was sent, and nothing else", async () => {
    const bench = await Bench.open({}, { reportsConnection: true, instance: "unknown" });
    bench.write(0, 512, 1);
    bench.driver.decide = ({ operation }) => (operation === "flush" ? "wait" : "ok");
    const flush = bench.flush();
    bench.write(512, 512, 2);
    bench.driver.answer();
    expect(flush.state).toBe("ok");
    bench.driver.seen.length = 0;
    bench.driver.disconnect();
    bench.driver.connect();
    expect(bench.driver.seen).toEqual(["write 512+512"]);
  });

  it("the log is not written over a request that the driver still has", async () => {
    const bench = await Bench.open({ requestTimeout: 1_000 }, { reportsConnection: true, instance: "unknown" });
    bench.write(0, 512, 1);
    bench.driver.decide = () => "wait";
    const write = bench.write(0, 512, 2);
    // Overdue, and the driver does not let go of it: it may land at any time.
    bench.clock.advance(1_300);
    bench.driver.decide = () => "ok";
    bench.driver.disconnect();
    bench.driver.seen.length = 0;
    bench.driver.connect();
    bench.clock.advance(500);
    expect(bench.driver.seen).toEqual([]);
    bench.driver.answer("ECONNRESET");
    bench.clock.advance(500);
    expect([bench.driver.seen, write.state]).toEqual([["write 0+512", "write 0+512"], "ok"]);
  });

  it("the replay log is cut by flushes of its own before writes have to wait", async () => {
    const bench = await Bench.open({ replayLog: { maxCount: 16 } }, { reportsConnection: true, instance: "unknown" });
    for (let n = 0; n < 100; n += 1) expect(bench.write(n * 512).state).toBe("ok");
    expect(bench.driver.seen.filter((line) => line === "flush").length).toBeGreaterThan(10);
    expect(bench.backend.statistics().replayLog.count).toBeLessThan(16);
    // And if the flush does not come back, writes wait; reads do not.
    bench.driver.decide = ({ operation }) => (operation === "flush" ? "wait" : "ok");
    const states = Array.from({ length: 40 }, (_, n) => bench.write(n * 512)).map(({ state }) => state);
    expect(states.filter((state) => state === "ok").length).toBeLessThanOrEqual(16);
    expect([states.at(-1), bench.read(0x80000).state]).toEqual(["pending", "ok"]);
  });
});

describe("the engine's own flush", () => {
  it("counts only if the instance that answered it is still there", async () => {
    const bench = await Bench.open({ replayLog: { maxCount: 16 } }, { reportsConnection: true, instance: "unknown" });
    bench.driver.decide = ({ operation }) => (operation === "flush" ? "wait" : "ok");
    for (let n = 0; n < 4; n += 1) bench.write(n * 512);
    const [flush] = bench.driver.waiting.splice(0);
    bench.driver.disconnect();
    bench.driver.connect();
    flush!.complete(flush!, null);
    bench.driver.disconnect();
    bench.driver.seen.length = 0;
    bench.driver.connect();
    expect(bench.driver.seen.filter((line) => line.startsWith("write"))).toHaveLength(4);
  });
});

describe("requests that take too long", () => {
  const options = { requestTimeout: 1_000 };

  it("a silent storage is a hang, and a late answer is an answer", async () => {
    const bench = await Bench.open(options);
    bench.driver.decide = () => "wait";
    const read = bench.read(0);
    bench.clock.advance(1_300);
    expect([bench.backend.hangState, read.state]).toEqual(["hang", "pending"]);
    expect(bench.driver.abandoned).toHaveLength(1);
    bench.driver.answer();
    expect([read.state, bench.backend.hangState]).toEqual(["ok", "normal"]);
  });

  it("while an abandoned write may still land, overlapping requests wait, even after it was sent again", async () => {
    const bench = await Bench.open(options, { abandon: true });
    bench.driver.detaches = true;
    bench.driver.decide = () => "wait";
    const write = bench.write(0, 512, 1);
    bench.clock.advance(1_300);
    const [zombie] = bench.driver.waiting.splice(0);
    bench.driver.decide = () => "ok";
    bench.backend.retryNow();
    expect(write.state).toBe("ok");
    const [over, beside] = [bench.write(0, 512, 2), bench.write(512, 512, 2)];
    expect([over.state, beside.state, bench.backend.statistics().zombiesNow]).toEqual(["pending", "ok", 1]);
    zombie!.complete(zombie!, null);
    expect([over.state, bench.backend.statistics().zombiesNow]).toEqual(["ok", 0]);
  });

  it("a request fails only when the driver has let go of its buffers", async () => {
    const bench = await Bench.open({ ...options, iohangTimeout: 3 });
    bench.driver.decide = () => "wait";
    const read = bench.read(0);
    bench.clock.advance(10_000);
    expect([bench.backend.hangState, read.state]).toEqual(["timed-out", "pending"]);
    bench.driver.answer("ECONNRESET");
    expect(read.state).toBe("EIO");
  });
});

describe("pause and drain", () => {
  it("a pause keeps new requests, and lets go of them in order", async () => {
    const bench = await Bench.open();
    bench.backend.pause();
    const writes = [bench.write(0), bench.write(512), bench.write(1024)];
    bench.clock.advance(60_000);
    expect(bench.driver.seen).toEqual([]);
    bench.backend.resume();
    expect(writes.map(({ state }) => state)).toEqual(["ok", "ok", "ok"]);
    expect(bench.driver.seen).toEqual(["write 0+512", "write 512+512", "write 1024+512"]);
  });

  it("drain waits for what is in flight, and keeps what comes later", async () => {
    const bench = await Bench.open();
    bench.driver.decide = () => "wait";
    const before = bench.write(0);
    const drained = bench.backend.drain();
    const after = bench.read(4096);
    expect(bench.backend.drainState).toBe("drain-requested");
    bench.driver.answer();
    expect(await drained).toEqual({ quiescent: true, failed: 0, held: 0, inFlight: 0, exported: [] });
    expect([before.state, after.state, bench.backend.drainState]).toEqual(["ok", "pending", "drained"]);
    await expect(bench.backend.drain()).rejects.toMatchObject({ code: "EBUSY" });
    bench.driver.decide = () => "ok";
    bench.backend.drainEnd();
    expect([after.state, bench.backend.drainState]).toEqual(["ok", "normal"]);
  });

  it("drain can fail what is held, and what fails meanwhile", async () => {
    const bench = await Bench.open();
    bench.driver.decide = ({ offset }) => (offset === 0 ? "EIO" : "wait");
    const [held, inFlight] = [bench.write(0), bench.write(4096)];
    const drained = bench.backend.drain({ held: "fail" });
    expect(held.state).toBe("EIO");
    bench.driver.answer("EIO");
    expect(inFlight.state).toBe("EIO");
    expect(await drained).toMatchObject({ quiescent: true, failed: 1, held: 0 });
    expect(bench.backend.hangState).toBe("normal");
  });

  it("drain can hand over what is held, without completing it", async () => {
    const bench = await Bench.open();
    bench.driver.decide = () => "EIO";
    const writes = [bench.write(0, 512, 1), bench.write(512, 512, 2)];
    const { exported, quiescent } = await bench.backend.drain({ held: "export" });
    expect(quiescent).toBe(true);
    expect(exported.map(({ request, attempts, mayLand }) => [request.offset, attempts, mayLand])).toEqual([
      [0, 1, false],
      [512, 1, false],
    ]);
    expect(writes.map(({ state }) => state)).toEqual(["pending", "pending"]);
    for (const { request } of exported) request.complete(request, null);
    expect(writes.map(({ state }) => state)).toEqual(["ok", "ok"]);
  });

  it("what fails while held requests are handed over is handed over too", async () => {
    const bench = await Bench.open();
    bench.driver.decide = () => "wait";
    const write = bench.write(0);
    const drained = bench.backend.drain({ held: "export" });
    bench.driver.answer("ECONNRESET");
    const { exported, quiescent } = await drained;
    expect([write.state, quiescent, exported.map(({ request }) => request.offset)]).toEqual(["pending", true, [0]]);
  });

  it("drain returns at its deadline even if the driver never answers", async () => {
    for (const held of ["wait", "fail", "export"] as const) {
      const bench = await Bench.open();
      bench.driver.decide = () => "wait";
      bench.write(0);
      const drained = bench.backend.drain({ held, deadline: 500 });
      bench.clock.advance(500);
      expect(await drained).toMatchObject({ quiescent: false, inFlight: 1 });
    }
  });

  it("disable fails what is held and reports from then on; enable holds again", async () => {
    const bench = await Bench.open();
    bench.driver.decide = () => "EIO";
    const held = bench.write(0);
    await bench.backend.disable();
    expect([held.state, bench.write(0).state]).toEqual(["EIO", "EIO"]);
    bench.backend.enable();
    expect(bench.write(0).state).toBe("pending");
  });

  it("close fails what is held, and closes the driver", async () => {
    const bench = await Bench.open();
    bench.driver.decide = () => "EIO";
    const held = bench.write(0);
    await bench.backend.close();
    expect([held.state, bench.driver.closed, bench.clock.pending]).toEqual(["EIO", true, 0]);
    expect(bench.read(0).state).toBe("EBADF");
  });
});

describe("bounds, and layers above", () => {
  it("long chains of overlapping requests need no deep stack", async () => {
    const bench = await Bench.open();
    bench.backend.pause();
    const writes = Array.from({ length: 20_000 }, () => bench.write(0, 16));
    bench.backend.resume();
    expect(writes.every(({ state }) => state === "ok")).toBe(true);
    bench.driver.decide = () => "EIO";
    const held = Array.from({ length: 20_000 }, () => bench.write(0, 16));
    bench.driver.decide = () => "ok";
    bench.clock.advance(10_000);
    expect(held.every(({ state }) => state === "ok")).toBe(true);
  });

  it("a long log is written again without a deep stack, too", async () => {
    const bench = await Bench.open(
      { replayLog: { maxCount: 200_000 } },
      { reportsConnection: true, instance: "unknown" },
    );
    for (let n = 0; n < 20_000; n += 1) bench.write(n * 16, 16);
    bench.driver.disconnect();
    bench.driver.seen.length = 0;
    bench.driver.connect();
    expect(bench.driver.seen).toHaveLength(20_000);
  });

  it("says when too much is held, and when it is not any more; nothing is dropped", async () => {
    const bench = await Bench.open({ maxHeldRequests: 8 });
    bench.driver.decide = () => "EIO";
    const reads = Array.from({ length: 20 }, (_, n) => bench.read(n * 512));
    expect([bench.backend.congested, bench.backend.statistics().heldNow]).toEqual([true, 20]);
    bench.driver.decide = () => "ok";
    bench.clock.advance(10_000);
    expect([bench.backend.congested, reads.every(({ state }) => state === "ok")]).toEqual([false, true]);
    const congestion = bench.events.flatMap((event) => (event.type === "congestion" ? [event.congested] : []));
    expect(congestion).toEqual([true, false]);
  });

  it("bounds the bytes that are held, too", async () => {
    const bench = await Bench.open({ maxHeldBytes: 4096 });
    bench.driver.decide = () => "EIO";
    bench.write(0, 8192);
    expect(bench.backend.congested).toBe(true);
  });

  it("a layer above can take a held request back at once", async () => {
    const bench = await Bench.open();
    bench.driver.decide = () => "EIO";
    const held = bench.write(0);
    expect([bench.backend.abandon!(held.request), held.state]).toEqual([true, "ECANCELED"]);
    expect(bench.backend.hangState).toBe("normal");
  });

  it("what is taken back while the driver has it is not held when it fails", async () => {
    const bench = await Bench.open();
    bench.driver.decide = () => "wait";
    const write = bench.write(0);
    expect(bench.backend.abandon!(write.request)).toBe(false);
    bench.driver.answer("EIO");
    expect(write.state).toBe("EIO");
  });

  it("passes flags on, and counts", async () => {
    const bench = await Bench.open({}, { fua: true });
    let flags = 0;
    bench.driver.decide = (request) => {
      flags = request.flags;
      return "ok";
    };
    bench.write(0, 512, 1, RequestFlag.FUA);
    expect(flags).toBe(RequestFlag.FUA);
    expect(bench.backend.statistics()).toMatchObject({ submitted: 1, completed: 1, failed: 0, held: 0 });
  });

  it("what the driver would refuse is refused before it is admitted", async () => {
    const bench = await Bench.open();
    expect([bench.read(1 << 20).state, bench.driver.seen]).toEqual(["EINVAL", []]);
  });
});

it("whoever hears of a new size finds it", async () => {
  const b = await Bench.open();
  let size = 0;
  b.backend.subscribe((e) => (size = e.type === "resized" ? b.backend.capabilities.size : size));
  b.driver.capabilities = defineCapabilities({ ...b.driver.capabilities, size: 1 << 21 });
  b.driver.tell({ type: "resized", size: 1 << 21 });
  expect(size).toBe(1 << 21);
});

it("an ignored block-status has an extent", async () => {
  const b = await Bench.open({ iohangTimeout: 0, read: { action: "ignore" } }, { blockStatus: true });
  b.driver.decide = () => "EIO";
  const request = createRequest({ operation: "block-status", offset: 0, length: 4096, complete: () => {} });
  b.backend.submit(request);
  expect(request.extents).toEqual([{ length: 4096, hole: false, zero: false }]);
});

it("as many extents as NBD allows in one answer are told", async () => {
  const b = await Bench.open({}, { blockStatus: true });
  const most = 1 << 20;
  b.driver.decide = ({ extents }) => {
    for (let at = 0; at < most; at += 1) extents.push({ length: 1, hole: at % 2 === 1, zero: false });
    return "ok";
  };
  const request = createRequest({ operation: "block-status", offset: 0, length: most, complete: () => {} });
  b.backend.submit(request);
  expect(request.extents).toHaveLength(most);
  expect(request.extents.at(-1)).toEqual({ length: 1, hole: true, zero: false });
});
