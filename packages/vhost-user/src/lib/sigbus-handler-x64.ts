/** The machine code of `sigbus-handler-x64.s`, which explains it; a test assembles that and compares. */
export const SIGBUS_HANDLER_X64: string = [
  "4c8d05f90f00008b460885c07e60488b4610498b48104d8d48204885c9744f49",
  "3b017206493b410872094983c12048ffc9ebe7f049ff4118f049ff00498b7110",
  "4889f748f7df4821c74889fbba0300000041ba3200000049c7c0ffffffff4531",
  "c9b8090000000f054839d8750ec34d8b48084983f901760341ffe131c0505050",
  "504889e6bf0700000031d241ba08000000b80d0000000f054883c420c3",
].join("");

/** Where the handler looks for its table: bytes from its start. */
export const HANDLER_TABLE_OFFSET = 4096;
