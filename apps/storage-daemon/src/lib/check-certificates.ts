import { X509Certificate } from "node:crypto";
import { UsageError } from "./usage-error.ts";

/** A certificate's text, with what is said of it. */
export interface CertificatePlace {
  readonly file: string;
  readonly whose: "client" | "server" | "CA";
  /** ms since 1970, to refuse one that is out of date; null to take it. */
  readonly today: number | null;
}

const PEM = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^]*?-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

/**
 * Sees that a file has a certificate, which is in force.
 *
 * @throws UsageError in QEMU's words, with OpenSSL's for a reason
 */
export function checkCertificate(text: Buffer, { file, whose, today }: CertificatePlace): void {
  checkDates(parse(text, `Unable to import ${whose} certificate ${file}`), { file, whose, today });
}

/**
 * Sees that a file has certificates of authorities, all in force. Node takes a file that has none, and trusts nobody then.
 *
 * @throws UsageError in QEMU's words
 */
export function checkAuthorities(text: Buffer, file: string, today: number | null): void {
  const failure = `Unable to import CA certificate list ${file}`;
  const found = text.toString("latin1").match(PEM);
  if (found === null) throw new UsageError(failure);
  for (const one of found) checkDates(parse(one, failure), { file, whose: "CA", today });
}

/** What OpenSSL says, without its numbers. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "reason" in error && typeof error.reason === "string" ? error.reason : error.message;
}

function parse(text: Buffer | string, failure: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (error) {
    throw new UsageError(`${failure}: ${reasonOf(error)}`);
  }
}

function checkDates({ validFrom, validTo }: X509Certificate, { file, whose, today }: CertificatePlace): void {
  if (today === null) return;
  if (Date.parse(validTo) < today) throw new UsageError(`The ${whose} certificate ${file} has expired`);
  if (Date.parse(validFrom) > today) throw new UsageError(`The ${whose} certificate ${file} is not yet active`);
}
