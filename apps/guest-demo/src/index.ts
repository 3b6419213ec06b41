export { makeGuestImage, type GuestImage } from "./lib/guest-image.ts";
export { QemuGuest, type QemuGuestOptions } from "./lib/qemu-guest.ts";
export { Sandbox } from "./lib/sandbox.ts";
