import { describe, expect, it } from "vitest";
import { BlockError, classOfCode, isBlockError, toBlockError } from "./block-error.ts";

describe("block errors", () => {
  it.each([
    ["EIO", "storage"],
    ["ENOSPC", "no-space"],
    ["EDQUOT", "no-space"],
    ["EROFS", "permanent"],
    ["EPERM", "permanent"],
    ["EINVAL", "invalid"],
    ["ENOTSUP", "unsupported"],
    ["EOPNOTSUPP", "unsupported"],
    ["ECANCELED", "cancelled"],
    ["ECONNRESET", "transport"],
    ["EPIPE", "transport"],
    ["ESHUTDOWN", "transport"],
    ["ETIMEDOUT", "timeout"],
    ["EWHATEVER", "storage"],
  ])("%s is of class %s", (code, errorClass) => {
    expect(classOfCode(code)).toBe(errorClass);
    expect(new BlockError("x", { code }).errorClass).toBe(errorClass);
  });

  it("say everything that they were given", () => {
    const cause = new Error("inner");
    const fields = { code: "EIO", errorClass: "transport", operation: "write", offset: 4096, length: 512 } as const;
    const error = new BlockError("write failed", { ...fields, cause });
    expect(error).toMatchObject({ ...fields, message: "write failed", name: "BlockError", cause });
    expect("cause" in new BlockError("x", { code: "EIO" })).toBe(false);
  });

  it("are known by their name, so that another copy of the package is no obstacle", () => {
    const foreign = Object.assign(new Error("x"), { name: "BlockError", code: "EIO", errorClass: "storage" });
    expect(isBlockError(foreign)).toBe(true);
    expect(isBlockError(Object.assign(new Error("x"), { code: "EIO" }))).toBe(false);
    expect(isBlockError({ name: "BlockError", code: "EIO", errorClass: "storage" })).toBe(false);
    expect(isBlockError(null)).toBe(false);
  });

  it("are made of whatever was thrown", () => {
    const own = new BlockError("x", { code: "EPERM" });
    expect(toBlockError(own, { operation: "read" })).toBe(own);
    const system = Object.assign(new Error("no space left"), { code: "ENOSPC" });
    expect(toBlockError(system, { operation: "write", offset: 1, length: 2 })).toMatchObject({
      code: "ENOSPC",
      errorClass: "no-space",
      message: "no space left",
      operation: "write",
      offset: 1,
      length: 2,
      cause: system,
    });
    expect(toBlockError(Object.assign(new Error("x"), { code: "ERR_lower" })).code).toBe("EIO");
    expect(toBlockError(Object.assign(new Error("x"), { code: "ERR_UPPER" })).code).toBe("EIO");
    expect(toBlockError(Object.assign(new Error("x"), { code: "EAI_AGAIN" })).code).toBe("EAI_AGAIN");
    expect(toBlockError(Object.assign(new Error("x"), { code: 5 })).code).toBe("EIO");
    for (const thrown of ["text", undefined, null, 7, {}]) expect(toBlockError(thrown).code).toBe("EIO");
  });
});
