/** Makes the guest's image, so that neither the suites nor the demo have to download anything. */
import { createSystemClock } from "@rehandle/driver-sdk";

import { makeGuestImage } from "./lib/guest-image.ts";

const { kernel, initramfs } = await makeGuestImage(createSystemClock());
console.log(`The guest boots from ${kernel} and ${initramfs}.`);
