import type { ActResult } from "./act.ts";
import { count, duration } from "./figures.ts";
import { renderTable } from "./table.ts";

/** The two acts side by side. */
export function resultTable(without: ActResult, withHang: ActResult): string[] {
  const row = (label: string, cell: (act: ActResult) => string): string[] => [label, cell(without), cell(withHang)];
  return renderTable(
    ["", "without I/O hang", "with I/O hang"],
    [
      row("errors seen by the client", ({ errors }) => count(errors)),
      row("longest stall", ({ longestStall }) => duration(longestStall)),
      row("storage away", ({ outage }) => (outage === null ? "for good" : duration(outage))),
      row("storage back to first I/O", ({ firstIo }) => (firstIo === null ? "never" : duration(firstIo))),
      row("requests done", ({ requests }) => count(requests)),
      row("blocks verified", rightBlocks),
      row("blocks in doubt, old or new", ({ readBack }) => (readBack === null ? "" : count(readBack.disk.uncertain))),
    ],
  );
}

function rightBlocks({ readBack }: ActResult): string {
  if (readBack === null) return "not read back";
  const { disk, file } = readBack;
  return `${count(Math.min(disk.right, file.right))} of ${count(disk.blocks)}`;
}

/** What to take home, of a story that holds: lines of less than 80 characters. */
export function moral(without: ActResult, withHang: ActResult): string[] {
  return [
    `The same outage twice. Without I/O hang the client saw ${count(without.errors)} errors, and the`,
    "first of them turns a guest's ext4 read-only, until somebody steps in. With it,",
    `the client saw none: its disk stood still for ${duration(withHang.longestStall)}, then it went on,`,
    "and every block is right.",
  ];
}
