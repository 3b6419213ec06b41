/** A text between quotes, as an argument of a request. */
export function quoteRoff(text: string): string {
  return `"${escapeRoff(text).replaceAll('"', "\\(dq")}"`;
}

/** A line of text; a dot at its start would be a request. */
export function textLine(text: string): string {
  return text.startsWith(".") ? `\\&${escapeRoff(text)}` : escapeRoff(text);
}

/** Paragraphs, each behind a macro; between empty lines. */
export function roffParagraphs(text: string, macro: string): string[] {
  return text.split(/\n[ \t]*\n/).flatMap((paragraph) => [macro, ...paragraph.split("\n").map(textLine)]);
}

/** How something is written: bold, and what stands for something else (`<path>`) in italics without the brackets. */
export function roffUsage(text: string): string {
  return text
    .split(/(<[^<>]*>)/)
    .map((part) => (/^<.*>$/.test(part) ? `\\fI${escapeRoff(part.slice(1, -1))}\\fR` : bold(part)))
    .join("");
}

/** Brackets and bars are not typed. */
function bold(text: string): string {
  return text
    .split(/([[\]|]+|\.\.\.)/)
    .map((part, at) => (part === "" || at % 2 === 1 ? part : `\\fB${escapeRoff(part)}\\fR`))
    .join("");
}

const ROFF_ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\e",
  "-": "\\-",
  "'": "\\(aq",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
  "\n": " ",
};

/** What is meant to be typed must not become typographic; what is not ASCII is named by its code point. */
export function escapeRoff(text: string): string {
  return text.replaceAll(/[\\'`^~\n-]|[^\n -~]/gu, (char) => ROFF_ESCAPES[char] ?? codePointEscape(char));
}

function codePointEscape(char: string): string {
  const hex = (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return `\\[u${hex}]`;
}
