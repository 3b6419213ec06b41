export { type BackoffOptions } from "./lib/backoff.ts";
export { type ByteRange, type NbdDriverOptions, type NbdServerAddress } from "./lib/driver-options.ts";
export { inetFamily, tcpConnectOptions, wrongFamily, type InetFamilies } from "./lib/inet-family.ts";
export { createNbdDriver } from "./lib/nbd-driver.ts";
export { type TlsCredentials } from "./lib/tls-credentials.ts";
