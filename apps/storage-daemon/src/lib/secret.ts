import { readFile } from "node:fs/promises";
import { errnoOf, wordsOfErrno } from "./errno-words.ts";
import type { ObjectSettings } from "./option-types.ts";
import { UsageError } from "./usage-error.ts";

/** What a `secret` object keeps. @throws UsageError (as a rejection) in QEMU's words */
export async function readSecret(settings: Extract<ObjectSettings, { "qom-type": "secret" }>): Promise<Buffer> {
  const { data, file, format, keyid } = settings;
  if (keyid !== undefined) throw new UsageError("keyid is not supported");
  if (data !== undefined && file !== undefined) throw new UsageError("'file' and 'data' are mutually exclusive");
  if (data === undefined && file === undefined) throw new UsageError("Either 'file' or 'data' must be provided");
  const bytes = file === undefined ? Buffer.from(data ?? "") : await readSecretFile(file);
  return format === "base64" ? fromBase64(bytes.toString("latin1")) : bytes;
}

async function readSecretFile(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const words = wordsOfErrno(errnoOf(error));
    throw new UsageError(`Unable to read ${path}: Failed to open file “${path}”: ${words}`);
  }
}

function fromBase64(text: string): Buffer {
  if (/[^A-Za-z0-9+/=\n]/.test(text)) throw new UsageError("Base64 data contains invalid characters");
  return Buffer.from(text, "base64");
}
