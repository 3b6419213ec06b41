import {
  BlockError,
  defineCapabilities,
  type AbortSignalLike,
  type DriverCapabilities,
  type OpenContext,
} from "@rehandle/driver-sdk";

import type { ResolvedOptions } from "./file-driver-options.ts";
import type { FileSystem } from "./file-system.ts";
import { openFile, type OpenFile } from "./open-file.ts";
import { canPunch } from "./range-operations.ts";
import type { SystemCalls } from "./system-calls.ts";

/** An open file with what it can do. */
export interface OpenStorage {
  readonly file: OpenFile;
  readonly capabilities: DriverCapabilities;
}

/** Everything that `open` needs. */
export interface OpenPlan {
  readonly options: ResolvedOptions;
  readonly fileSystem: FileSystem;
  readonly systemCalls: SystemCalls | null;
}

/**
 * Opens the file and declares what it can do. An abort rejects at once, even while the system does not answer; the file is
 * closed as soon as it does.
 * @throws BlockError (as a rejection).
 */
export async function openStorage(plan: OpenPlan, context: OpenContext): Promise<OpenStorage> {
  const { options, fileSystem } = plan;
  const opening = openFile(options, fileSystem, context.signal);
  const file = await unlessAborted(opening, context.signal, () => {
    opening.then(
      (late) => fileSystem.close(late.fd, () => {}),
      () => {},
    );
  });
  return { file, capabilities: await declare(plan, file) };
}

async function declare({ options, systemCalls }: OpenPlan, file: OpenFile): Promise<DriverCapabilities> {
  const writable = !file.readOnly;
  const punches =
    writable &&
    systemCalls !== null &&
    (file.blockDevice ? file.canUnmap : await canPunch(systemCalls, file.fd, file.size));
  return defineCapabilities({
    size: file.size,
    readOnly: file.readOnly,
    requestAlignment: file.alignment,
    preferredBlockSize: file.preferredBlockSize,
    flush: true,
    fua: true,
    discard: punches && options.discard === "unmap",
    writeZeroes: true,
    fastZero: punches,
    blockStatus: systemCalls !== null,
    resize: writable && !file.blockDevice,
    zeroCopy: !options.cacheDirect && options.copyLimit === 0,
    abandon: options.cacheDirect || options.copyLimit > 0,
    reportsConnection: false,
    instance: "fixed",
    multiConn: true,
    rotational: file.rotational,
  });
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignalLike | undefined, onAbort: () => void): Promise<T> {
  if (signal === undefined) return work;
  return new Promise<T>((resolve, reject) => {
    let settled = false;
    const abort = (): void => {
      if (settled) return;
      onAbort();
      reject(new BlockError("The open was given up", { code: "ECANCELED", operation: "open" }));
    };
    const settle = (): void => {
      settled = true;
      signal.removeEventListener("abort", abort);
    };
    signal.addEventListener("abort", abort);
    work.then(
      (value) => {
        settle();
        resolve(value);
      },
      (error: unknown) => {
        settle();
        reject(error);
      },
    );
  });
}
