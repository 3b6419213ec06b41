/** Kinds of tokens; the numbers continue those of the lexer's states so that one table can hold both. */
export const Token = {
  LeftBrace: 32,
  RightBrace: 33,
  LeftBracket: 34,
  RightBracket: 35,
  Colon: 36,
  Comma: 37,
  Integer: 38,
  Float: 39,
  Keyword: 40,
  String: 41,
} as const;

/** The lexer's states. `Error` is what the table says of every byte that fits nowhere. */
export const State = {
  Error: 0,
  Start: 1,
  Recovery: 2,
  DoubleQuoted: 3,
  DoubleQuotedEscape: 4,
  SingleQuoted: 5,
  SingleQuotedEscape: 6,
  Sign: 7,
  Zero: 8,
  Digits: 9,
  Point: 10,
  Fraction: 11,
  Exponent: 12,
  ExponentSign: 13,
  ExponentDigits: 14,
  Keyword: 15,
} as const;

/** Set when the byte is not part of what ends here and must be looked at again. */
export const LOOKAHEAD = 128;

const STATES = 16;
const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const BACKSLASH = 0x5c;

const STRUCTURE: readonly (readonly [string, number])[] = [
  ["{", Token.LeftBrace],
  ["}", Token.RightBrace],
  ["[", Token.LeftBracket],
  ["]", Token.RightBracket],
  [":", Token.Colon],
  [",", Token.Comma],
];

/** The bytes from `first` to `last` lead from `state` to `to`. */
function set(table: Uint8Array, state: number, first: number, last: number, to: number): void {
  table.fill(to, state * 256 + first, state * 256 + last + 1);
}

function setChars(table: Uint8Array, state: number, chars: string, to: number): void {
  for (let i = 0; i < chars.length; i++) table[state * 256 + chars.charCodeAt(i)] = to;
}

function buildStrings(table: Uint8Array): void {
  const kinds = [
    [State.DoubleQuoted, State.DoubleQuotedEscape, QUOTE],
    [State.SingleQuoted, State.SingleQuotedEscape, APOSTROPHE],
  ] as const;
  for (const [inside, escape, quote] of kinds) {
    set(table, inside, 0x20, 0xfd, inside);
    set(table, inside, BACKSLASH, BACKSLASH, escape);
    set(table, inside, quote, quote, Token.String);
    set(table, escape, 0x20, 0xfd, inside);
  }
}

function buildNumbers(table: Uint8Array): void {
  const digits = "0123456789";
  setChars(table, State.Sign, "0", State.Zero);
  setChars(table, State.Sign, "123456789", State.Digits);
  set(table, State.Zero, 0, 255, Token.Integer | LOOKAHEAD);
  setChars(table, State.Zero, digits, State.Error);
  setChars(table, State.Zero, ".", State.Point);
  set(table, State.Digits, 0, 255, Token.Integer | LOOKAHEAD);
  setChars(table, State.Digits, digits, State.Digits);
  setChars(table, State.Digits, ".", State.Point);
  setChars(table, State.Digits, "eE", State.Exponent);
  setChars(table, State.Point, digits, State.Fraction);
  set(table, State.Fraction, 0, 255, Token.Float | LOOKAHEAD);
  setChars(table, State.Fraction, digits, State.Fraction);
  setChars(table, State.Fraction, "eE", State.Exponent);
  setChars(table, State.Exponent, "+-", State.ExponentSign);
  setChars(table, State.Exponent, digits, State.ExponentDigits);
  setChars(table, State.ExponentSign, digits, State.ExponentDigits);
  set(table, State.ExponentDigits, 0, 255, Token.Float | LOOKAHEAD);
  setChars(table, State.ExponentDigits, digits, State.ExponentDigits);
}

function buildTop(table: Uint8Array): void {
  const letters = "abcdefghijklmnopqrstuvwxyz";
  setChars(table, State.Start, " \t\r\n", State.Start);
  setChars(table, State.Start, '"', State.DoubleQuoted);
  setChars(table, State.Start, "'", State.SingleQuoted);
  setChars(table, State.Start, "-", State.Sign);
  setChars(table, State.Start, "0", State.Zero);
  setChars(table, State.Start, "123456789", State.Digits);
  setChars(table, State.Start, letters, State.Keyword);
  set(table, State.Keyword, 0, 255, Token.Keyword | LOOKAHEAD);
  setChars(table, State.Keyword, letters, State.Keyword);
  set(table, State.Recovery, 0, 255, State.Start | LOOKAHEAD);
  set(table, State.Recovery, 0x20, 0xfd, State.Recovery);
  setChars(table, State.Recovery, "\t", State.Recovery);
  for (const [char, token] of STRUCTURE) {
    setChars(table, State.Start, char, token);
    setChars(table, State.Recovery, char, State.Start | LOOKAHEAD);
  }
}

function build(): Uint8Array {
  const table = new Uint8Array(STATES * 256);
  buildStrings(table);
  buildNumbers(table);
  buildTop(table);
  return table;
}

/** `TRANSITIONS[state * 256 + byte]` is the next state, or the token that is complete, perhaps with {@link LOOKAHEAD}. */
export const TRANSITIONS: Uint8Array = build();
