import { createSystemClock } from "@rehandle/driver-sdk";
import { makeGuestImage } from "./lib/guest-image.ts";
import { Sandbox } from "./lib/sandbox.ts";
import { QemuGuest } from "./lib/qemu-guest.ts";
import { NbdServer } from "./lib/nbd-server.ts";
import { DiskDaemon, diskSocket, qemuDaemon, rehandleDaemon } from "./lib/disk-daemon.ts";
const clock = createSystemClock();
const t0 = clock.now();
const lap = (w: string) => console.log(`${(clock.now() - t0).toFixed(0)} ms ${w}`);
const wait = (ms: number) => new Promise((r) => setTimeout(r, ms));
const sandbox = new Sandbox(clock);
try {
  const image = await makeGuestImage(clock);
  lap("image");
  const ours = process.argv[2] === "ours";
  const outage = Number(process.argv[3] ?? 5);
  const up = new NbdServer(sandbox, "up", sandbox.file("disk.img", 64 << 20));
  await up.start();
  const daemon = await DiskDaemon.start(sandbox, {
    name: "d",
    command: ours ? rehandleDaemon() : qemuDaemon,
    blockdevs: [
      `driver=nbd,node-name=s,server.type=unix,server.path=${up.socket}`,
      ...(ours ? [`driver=rehandle,node-name=disk,file=s,iohang-timeout=${process.argv[4] ?? 60}`] : []),
    ],
    disks: [{ id: "v", nodeName: ours ? "disk" : "s", queues: 2 }],
  });
  daemon.process.output.onLine((l) => lap("daemon: " + l));
  lap("daemon");
  const guest = await QemuGuest.boot(sandbox, { name: "g", image, disks: [diskSocket(sandbox, "v")], queues: 2 });
  lap("booted");
  guest.console.onLine((l) => lap("console: " + l));
  console.log(await guest.agent.mustRun("mkfs.ext4 -q /dev/vda && mount /dev/vda /mnt"));
  lap("mounted");
  const w = guest.agent.spawn("exec verified-io files /mnt s1");
  let last = "";
  w.output.onLine((l) => {
    last = l;
    if (!/ops=/.test(l)) lap(l);
  });
  await wait(1500);
  lap(last);
  await up.kill();
  lap("killed");
  for (let i = 0; i < outage; i++) {
    await wait(1000);
    lap(last);
  }
  await up.start();
  lap("back");
  await wait(3000);
  lap(last);
  w.kill("TERM");
  lap(JSON.stringify((await w.ended).output.split("\n").slice(-3)));
  console.log(
    await guest.agent.run(
      "touch /mnt/x; grep mnt /proc/mounts; umount /mnt && fsck.ext4 -fn /dev/vda; dmesg | tail -12",
    ),
  );
} finally {
  await sandbox.remove();
  lap("removed");
}
