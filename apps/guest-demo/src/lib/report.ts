import { count, duration, renderTable } from "@rehandle/demo";

import type { ActResult } from "./act.ts";

/** The two acts side by side. */
export function resultTable(without: ActResult, withHang: ActResult): string[] {
  const row = (label: string, cell: (act: ActResult) => string): string[] => [label, cell(without), cell(withHang)];
  return renderTable(
    ["", "without I/O hang", "with I/O hang"],
    [
      row("errors that programs in the guest saw", ({ writer, reader }) => count(writer.errors + reader.errors)),
      row("lines of its kernel about a failing disk", ({ complaints }) => count(complaints.length)),
      row("longest write", ({ writer }) => duration(writer.longest)),
      row("storage away", ({ outage }) => duration(outage)),
      row("storage back to first file written", ({ firstWrite }) => {
        return firstWrite === null ? "never" : duration(firstWrite);
      }),
      row("ext4 afterwards", ({ writable }) => (writable ? "writable" : "READ-ONLY")),
      row("fsck after unmounting", ({ fsck }) => (fsck === "" ? "clean" : "not clean")),
      row("completed files there, as written", ({ files }) => `${count(files.right)} of ${count(files.expected)}`),
    ],
  );
}

/** What to take home, of a story that holds: lines of less than 80 characters. */
export function moral(without: ActResult, withHang: ActResult): string[] {
  return [
    `The same outage twice. Without I/O hang the guest's kernel gave up its ext4 after`,
    `${count(without.writer.errors)} failed writes: it is read-only, until somebody steps in. With it, one write`,
    `took ${duration(withHang.writer.longest)}, and the guest never knew.`,
  ];
}
