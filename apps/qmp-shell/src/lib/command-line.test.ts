import { describe, expect, test } from "vitest";
import { parseCommandLine } from "./command-line.ts";

describe("a command line", () => {
  test.for([
    [["/run/x.sock"], { kind: "unix", path: "/run/x.sock" }],
    [["unix:tcp:1"], { kind: "unix", path: "tcp:1" }],
    [["tcp:localhost:4444"], { kind: "tcp", host: "localhost", port: 4444 }],
    [["[::1]:4444"], { kind: "tcp", host: "::1", port: 4444 }],
    [["--exec=cat x"], { kind: "exec", command: "cat x" }],
  ] as const)("%s", ([args, address]) => {
    expect(parseCommandLine(args)).toMatchObject({ address, words: [], json: false });
  });

  test("has options up to the command, whose words are its own", () => {
    expect(parseCommandLine(["--json", "a.sock", "--timeout", "1.5", "--wait-event=X", "stop", "--json"])).toEqual({
      address: { kind: "unix", path: "a.sock" },
      words: ["stop", "--json"],
      json: true,
      reconnect: false,
      waitEvent: "X",
      timeout: 1500,
      history: undefined,
    });
    expect(parseCommandLine(["a.sock", "--help"])).toBe("help");
    expect(parseCommandLine(["-V"])).toBe("version");
  });

  test.for([
    [[], "an ADDRESS or --exec is needed; --help explains"],
    [[""], "the address is empty"],
    [["tcp:x"], "'tcp:x' has no HOST:PORT"],
    [["tcp:x:65536"], "'tcp:x:65536' has no HOST:PORT"],
    [["--colour", "a"], "there is no option --colour; --help lists them"],
    [["a", "--timeout"], "--timeout needs a value"],
    [["a", "--timeout=0"], "--timeout needs a number of seconds above 0, not '0'"],
    [["a", "--timeout=1e9"], "--timeout needs a number of seconds above 0, not '1e9'"],
    [["--json=yes", "a"], "there is no option --json; --help lists them"],
  ] as const)("%s is refused: %s", ([args, message]) => {
    expect(() => parseCommandLine(args)).toThrow(message);
  });
});
