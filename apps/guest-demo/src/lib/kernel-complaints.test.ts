import { expect, test } from "vitest";

import { isComplaint, KernelComplaints } from "./kernel-complaints.ts";

const BAD = [
  "[    4.737620] I/O error, dev vda, sector 17906 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 2",
  "[    8.1] Buffer I/O error on dev vda, logical block 1, lost sync page write",
  "[    8.2] Aborting journal on device vda-8.",
  "[    8.3] JBD2: Detected IO errors while flushing file data on vda-8",
  "[    8.4] EXT4-fs error (device vda): ext4_journal_check_start:83: comm verified-io: Detected aborted journal",
  "[    8.5] EXT4-fs (vda): Remounting filesystem read-only",
];

test("lines about a disk that fails, and others", () => {
  expect(BAD.every(isComplaint)).toBe(true);
  expect(isComplaint("[    2.1] EXT4-fs (vda): mounted filesystem with ordered data mode. Quota mode: none.")).toBe(
    false,
  );
  expect(isComplaint("[  120.0] INFO: task verified-io:80 blocked for more than 5 seconds.")).toBe(false);
});

test("all are kept, and the first of each kind is told", () => {
  const told: string[] = [];
  const complaints = new KernelComplaints((line) => told.push(line));
  for (const line of [...BAD, ...BAD]) complaints.take(line);
  expect(complaints.lines).toHaveLength(12);
  expect(told).toEqual([BAD[0], BAD[2], BAD[4], BAD[5]]);
});
