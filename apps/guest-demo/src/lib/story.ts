import type { Line } from "@rehandle/demo";

import { playAct, type Stage } from "./act.ts";
import type { DemoOptions } from "./demo-options.ts";
import { moral, resultTable } from "./report.ts";
import { judge } from "./verdict.ts";

/** Tells the whole story. Resolves with the reasons why it does not hold; none if it does. */
export async function tellStory(stage: Stage): Promise<string[]> {
  const { screen, options } = stage;
  for (const line of introduction(options)) screen.line(line);
  const without = await playAct({ heading: heading("1", "Without I/O hang", 0), iohangTimeout: 0 }, stage);
  const { iohangTimeout } = options;
  const withHang = await playAct({ heading: heading("2", "With I/O hang", iohangTimeout), iohangTimeout }, stage);
  for (const text of resultTable(without, withHang)) screen.line([{ text: ` ${text}` }]);
  screen.line([]);
  const reasons = judge(without, withHang);
  if (reasons.length === 0) for (const text of moral(without, withHang)) screen.line([{ text: ` ${text}` }]);
  return reasons;
}

function introduction({ outage }: DemoOptions): Line[] {
  return [
    [
      { text: " Rehandle", style: "bold" },
      { text: ": a disk that hangs instead of failing, and a Linux that does not notice" },
    ],
    [],
    [{ text: "   guest ──virtio──▶ QEMU ──vhost-user──▶ rehandle-storage-daemon ──NBD──▶ storage" }],
    [],
    [{ text: " In the guest, on ext4, one program writes files, and one reads them." }],
    [{ text: ` The storage is killed, and is back ${outage} s later.` }],
    [],
  ];
}

function heading(number: string, title: string, iohangTimeout: number): Line {
  return [
    { text: ` ${number}  ${title}`, style: "bold" },
    { text: `   --blockdev driver=rehandle,iohang-timeout=${iohangTimeout},…`, style: "dim" },
  ];
}
