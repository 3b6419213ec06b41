export { createRaid0Driver, type Raid0DriverOptions } from "./lib/raid0-driver.ts";
