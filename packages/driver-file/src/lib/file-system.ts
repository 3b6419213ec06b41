import * as fs from "node:fs";

/** What `stat` and `fstat` must tell. Node's `fs.Stats` does. */
export interface FileStatus {
  /** Bytes; meaningless for a block device. */
  readonly size: number;
  /** The preferred I/O size, bytes. */
  readonly blksize: number;
  /** The device that holds the file, as `st_dev`. */
  readonly dev: number;
  /** The device that a device node stands for, as `st_rdev`. */
  readonly rdev: number;
  /** It is a regular file. */
  isFile(): boolean;
  /** It is a block device. */
  isBlockDevice(): boolean;
}

/** `null`, or what went wrong, with an errno name in `code`. */
export type SystemError = NodeJS.ErrnoException | null;

/** Ends a call that yields nothing. */
export type Done = (error: SystemError) => void;

/** Ends a call that moved bytes. `bytes` may be fewer than were asked for; it means nothing after an error. */
export type Moved = (error: SystemError, bytes: number) => void;

/**
 * The part of `node:fs` that the driver uses, with callbacks. A test gives its own to inject short transfers and errors;
 * {@link nodeFileSystem} is the real one.
 */
export interface FileSystem {
  /** stat(2): follows symbolic links. */
  stat(path: string, done: (error: SystemError, status: FileStatus) => void): void;
  /** open(2) of a file that exists; `flags` are those of `fs.constants`. */
  open(path: string, flags: number, done: (error: SystemError, fd: number) => void): void;
  /** fstat(2). */
  fstat(fd: number, done: (error: SystemError, status: FileStatus) => void): void;
  /** pread(2) of `length` bytes from byte `position` of the file into `buffer`, from its byte `offset` on. */
  read(fd: number, buffer: Uint8Array, offset: number, length: number, position: number, done: Moved): void;
  /** preadv(2): as `read`, into one part after the other. */
  readv(fd: number, parts: readonly Uint8Array[], position: number, done: Moved): void;
  /** pwrite(2) of `length` bytes of `buffer`, from its byte `offset` on, to byte `position` of the file. */
  write(fd: number, buffer: Uint8Array, offset: number, length: number, position: number, done: Moved): void;
  /** pwritev(2): as `write`, of one part after the other. */
  writev(fd: number, parts: readonly Uint8Array[], position: number, done: Moved): void;
  /** fdatasync(2). */
  fdatasync(fd: number, done: Done): void;
  /** ftruncate(2) to `size` bytes. */
  ftruncate(fd: number, size: number, done: Done): void;
  /** close(2). The number is free for another file from then on. */
  close(fd: number, done: Done): void;
  /** A small text file, as those below /sys. */
  readText(path: string, done: (error: SystemError, text: string) => void): void;
}

/** The real file system, on Node's thread pool. Spread it and replace single functions to inject faults. */
export const nodeFileSystem: FileSystem = {
  stat: (path, done) => fs.stat(path, done),
  open: (path, flags, done) => fs.open(path, flags, done),
  fstat: (fd, done) => fs.fstat(fd, done),
  read: (fd, buffer, offset, length, position, done) => fs.read(fd, buffer, offset, length, position, done),
  readv: (fd, parts, position, done) => fs.readv(fd, parts, position, done),
  write: (fd, buffer, offset, length, position, done) => fs.write(fd, buffer, offset, length, position, done),
  writev: (fd, parts, position, done) => fs.writev(fd, parts, position, done),
  fdatasync: (fd, done) => fs.fdatasync(fd, done),
  ftruncate: (fd, size, done) => fs.ftruncate(fd, size, done),
  close: (fd, done) => fs.close(fd, done),
  readText: (path, done) => fs.readFile(path, "utf8", done),
};

/** A callback-style call as a promise, for the control path. */
export function promised<T>(start: (done: (error: SystemError, value: T) => void) => void): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    start((error, value) => (error === null ? resolve(value) : reject(error)));
  });
}
