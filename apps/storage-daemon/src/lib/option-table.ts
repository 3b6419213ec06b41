import { defineOption, type Option } from "@rehandle/options";
import {
  optionTypes,
  type ExportSettings,
  type MonitorSettings,
  type NbdServerSettings,
  type NodeOptions,
  type ObjectSettings,
} from "./option-types.ts";

export const blockdevOption: Option<NodeOptions> = defineOption({
  flag: "--blockdev",
  types: optionTypes,
  type: "BlockdevOptions",
  impliedKey: "driver",
});

export const nbdServerOption: Option<NbdServerSettings> = defineOption({
  flag: "--nbd-server",
  types: optionTypes,
  type: "NbdServerOptions",
});

export const exportOption: Option<ExportSettings> = defineOption({
  flag: "--export",
  types: optionTypes,
  type: "BlockExportOptions",
  impliedKey: "type",
});

export const monitorOption: Option<MonitorSettings> = defineOption({
  flag: "--monitor",
  types: optionTypes,
  type: "MonitorOptions",
  impliedKey: "chardev",
});

export const objectOption: Option<ObjectSettings> = defineOption({
  flag: "--object",
  types: optionTypes,
  type: "ObjectOptions",
  impliedKey: "qom-type",
  allowHelp: true,
});
