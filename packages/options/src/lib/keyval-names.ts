const UNDERSCORE = 0x5f;
const HYPHEN = 0x2d;
const DOT = 0x2e;

/** True for the code of an ASCII digit. */
export function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

function isLetter(unit: number): boolean {
  const lower = unit | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

/** Where the digits end that begin at `at`. */
export function endOfIndex(text: string, at: number): number {
  let end = at;
  while (isDigit(text.charCodeAt(end))) end += 1;
  return end;
}

/**
 * Where the QAPI name ends that begins at `at`, perhaps with a downstream prefix `__RFQDN_`: behind a letter and all letters,
 * digits, `_` and `-` that follow. `at` itself if no name begins there.
 */
export function endOfName(text: string, at: number): number {
  const start = behindPrefix(text, at);
  if (!isLetter(text.charCodeAt(start))) return at;
  let end = start + 1;
  for (;;) {
    const unit = text.charCodeAt(end);
    if (!isLetter(unit) && !isDigit(unit) && unit !== UNDERSCORE && unit !== HYPHEN) return end;
    end += 1;
  }
}

/** The prefix holds letters, digits, `.` and `-`, and ends with the first `_`. */
function behindPrefix(text: string, at: number): number {
  if (text.charCodeAt(at) !== UNDERSCORE || text.charCodeAt(at + 1) !== UNDERSCORE) return at;
  let end = at + 2;
  for (;;) {
    const unit = text.charCodeAt(end);
    if (!isLetter(unit) && !isDigit(unit) && unit !== DOT && unit !== HYPHEN) break;
    end += 1;
  }
  return text.charCodeAt(end) === UNDERSCORE ? end + 1 : at;
}
