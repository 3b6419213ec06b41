import { isIP } from "node:net";
import { checkServerIdentity, type ConnectionOptions } from "node:tls";

/** x509 credentials of a client, as QEMU's `tls-creds-x509` object with `endpoint=client` has them in files. */
export interface TlsCredentials {
  /** Certificates of the authorities to trust, PEM (`ca-cert.pem`). Default: those that Node trusts. */
  readonly ca?: string | Uint8Array;
  /** The client's own certificate chain, PEM (`client-cert.pem`). Needs `key`. */
  readonly cert?: string | Uint8Array;
  /** The client's private key, PEM (`client-key.pem`). */
  readonly key?: string | Uint8Array;
  /** Opens an encrypted `key` (`passwordid`). */
  readonly passphrase?: string;
  /** Refuse a server whose certificate does not verify (`verify-peer`). Default true. */
  readonly verifyPeer?: boolean;
}

/**
 * What `tls.connect` is to be told.
 * @param hostname the name that the certificate must carry; null: only the chain is verified, as QEMU does.
 */
export function tlsConnectOptions(credentials: TlsCredentials, hostname: string | null): ConnectionOptions {
  const { ca, cert, key, passphrase, verifyPeer = true } = credentials;
  return {
    minVersion: "TLSv1.2",
    rejectUnauthorized: verifyPeer,
    checkServerIdentity: (_host, certificate) =>
      hostname === null ? undefined : checkServerIdentity(hostname, certificate),
    // Server Name Indication takes names only, RFC 6066 section 3.
    ...(hostname !== null && isIP(hostname) === 0 ? { servername: hostname } : {}),
    ...(ca === undefined ? {} : { ca: asPem(ca) }),
    ...(cert === undefined ? {} : { cert: asPem(cert) }),
    ...(key === undefined ? {} : { key: asPem(key) }),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
}

function asPem(value: string | Uint8Array): string | Buffer {
  return typeof value === "string" ? value : Buffer.from(value);
}
