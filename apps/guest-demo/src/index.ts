export { writeCpio, type CpioContent, type CpioEntry } from "./lib/cpio.ts";
export { makeGuestImage, type GuestImage } from "./lib/guest-image.ts";
export { programFiles } from "./lib/program-files.ts";
export { QemuGuest, type QemuGuestOptions } from "./lib/qemu-guest.ts";
export { Sandbox } from "./lib/sandbox.ts";
