import { getSystemErrorName } from "node:util";

/** An error as Node's own file system calls make them. `errno` is positive. */
export function systemError(errno: number, syscall: string): NodeJS.ErrnoException {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`${code}: ${syscall} failed`), { errno: -errno, code, syscall });
}
