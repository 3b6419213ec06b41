import type { Duplex } from "node:stream";
import { createServer, type SecureContextOptions, type TlsOptions, type TLSSocket } from "node:tls";

/** TLS of a server, which is then demanded of every client (the protocol's FORCEDTLS). TLS 1.2 is the least. */
export interface NbdServerTls extends Pick<
  SecureContextOptions,
  "key" | "cert" | "ca" | "passphrase" | "pfx" | "crl" | "ciphers" | "dhparam"
> {
  /** Clients must show a certificate that `ca` vouches for, as QEMU's `verify-peer`. Default false. */
  readonly verifyPeer?: boolean;
}

/** The form in which node:tls takes it. */
export function tlsServerOptions(tls: NbdServerTls): TlsOptions {
  const { verifyPeer = false, ...context } = tls;
  return {
    ...context,
    minVersion: "TLSv1.2",
    requestCert: verifyPeer,
    rejectUnauthorized: verifyPeer,
    allowHalfOpen: true,
  };
}

/**
 * Does the server's side of the TLS handshake on a connection that was plain so far. Rejects when it fails; there is no
 * way back then.
 */
export function upgradeToTls(plain: Duplex, options: TlsOptions): Promise<TLSSocket> {
  // A server of its own for each connection: that is how node:tls checks a client's certificate on a given stream.
  const server = createServer(options);
  return new Promise((resolve, reject) => {
    server.once("secureConnection", resolve);
    server.on("tlsClientError", (error, { authorizationError }) => {
      // Otherwise a refused certificate would look like a client that hung up.
      reject(
        authorizationError ? new Error(`the client's certificate is refused: ${describe(authorizationError)}`) : error,
      );
    });
    server.emit("connection", plain);
  });
}

/** node:tls says Error, but gives OpenSSL's name of it. */
function describe(authorizationError: Error | string): string {
  return typeof authorizationError === "string" ? authorizationError : authorizationError.message;
}
