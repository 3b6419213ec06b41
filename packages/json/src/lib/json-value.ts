/** Marks a {@link JsonDouble}; no JSON text can make a symbol. */
const BRAND = Symbol.for("rehandle.json-double");

/**
 * A number that was written with a fraction or an exponent, or an integer outside -2^63…2^64-1. QAPI never takes such a
 * number for an integer (`1.0` is not `1`), so that the spelling has to survive the parser.
 */
export class JsonDouble {
  readonly value: number;
  readonly brand: symbol = BRAND;

  constructor(value: number) {
    this.value = value;
  }
}

/** True for a {@link JsonDouble} of any copy of this class. */
export function isJsonDouble(value: unknown): value is JsonDouble {
  return typeof value === "object" && value !== null && "brand" in value && value.brand === BRAND;
}

/** A JSON object without a prototype: `__proto__` and `constructor` are keys like any other. */
export interface JsonObject {
  [key: string]: JsonValue;
}

/**
 * What a JSON text means to QEMU. Integers are a `number` up to 2^53-1 and a `bigint` beyond it (-2^63…2^64-1), every
 * other number is a {@link JsonDouble}.
 */
export type JsonValue = null | boolean | number | bigint | string | JsonDouble | JsonValue[] | JsonObject;

/** An empty {@link JsonObject}. */
export function createJsonObject(): JsonObject {
  return Object.create(null) as JsonObject;
}

/** True for an object, false for an array, a {@link JsonDouble} and every scalar. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isJsonDouble(value);
}
