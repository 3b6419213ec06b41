import type { SystemCalls } from "./system-calls.ts";

/** The system calls, but one that a signal interrupted (`EINTR`) is made again, as Node makes those again that it has. */
export function repeatInterrupted(calls: SystemCalls): SystemCalls {
  const repeating: SystemCalls = {
    fallocate: (fd, mode, offset, length, done) =>
      calls.fallocate(fd, mode, offset, length, (error) => {
        if (error?.code === "EINTR") repeating.fallocate(fd, mode, offset, length, done);
        else done(error);
      }),
    seek: (fd, offset, whence, done) =>
      calls.seek(fd, offset, whence, (error, position) => {
        if (error?.code === "EINTR") repeating.seek(fd, offset, whence, done);
        else done(error, position);
      }),
    cachedReader: calls.cachedReader,
    cachedWriter: calls.cachedWriter ?? null,
    batchContexts: calls.batchContexts ?? null,
  };
  return repeating;
}
