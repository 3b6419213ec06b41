import { createSystemClock } from "@rehandle/driver-sdk";
import { makeGuestImage } from "./lib/guest-image.ts";
import { Sandbox } from "./lib/sandbox.ts";
import { QemuGuest } from "./lib/qemu-guest.ts";
const clock = createSystemClock();
const t0 = clock.now();
const lap = (w: string) => console.log(`${(clock.now() - t0).toFixed(0)} ms ${w}`);
const sandbox = new Sandbox(clock);
const image = await makeGuestImage(clock);
lap("image");
const guest = await QemuGuest.start(sandbox, {
  name: "g",
  image,
  disks: [],
  queues: 2,
  qemuArguments: process.argv.slice(2),
});
lap("qmp");
await guest.untilBooted();
lap("booted");
console.log(
  (await guest.agent.run("dmesg")).output
    .split("\n")
    .filter((l, i, a) => {
      const t = (s?: string) => Number(/\[ *([\d.]+)/.exec(s ?? "")?.[1]);
      return t(l) - t(a[i - 1]) > 0.03 || i == a.length - 1 || i == 0;
    })
    .join("\n"),
);
lap("dmesg");
await sandbox.remove();
lap("removed");
