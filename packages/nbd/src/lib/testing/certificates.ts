import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A certificate authority with one server and one client, and a second authority that nobody trusts. Files of PEM. */
export interface TestCertificates {
  /** Has ca-cert.pem, server-cert.pem, server-key.pem, client-cert.pem and client-key.pem, as QEMU and libnbd want it. */
  readonly directory: string;
  readonly ca: Buffer;
  readonly serverKey: Buffer;
  readonly serverCert: Buffer;
  readonly clientKey: Buffer;
  readonly clientCert: Buffer;
  readonly strangerKey: Buffer;
  readonly strangerCert: Buffer;
}

/** Makes certificates with openssl. */
export function makeCertificates(directory: string): TestCertificates {
  const file = (name: string): string => join(directory, name);
  const openssl = (...args: string[]): void => {
    const { status, stderr } = spawnSync("openssl", args, { cwd: directory });
    if (status !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr.toString()}`);
  };
  const authority = (name: string): void => {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", `${name}-key.pem`];
    openssl("req", "-x509", ...key, "-out", `${name}-cert.pem`, "-days", "3650", "-subj", `/CN=${name}`);
  };
  const issue = (name: string, ca: string, usage: string): void => {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", `${name}-key.pem`];
    openssl("req", ...key, "-out", `${name}.csr`, "-subj", "/CN=localhost");
    const lines = [
      "basicConstraints=CA:false",
      "keyUsage=digitalSignature",
      `extendedKeyUsage=${usage}`,
      "subjectAltName=DNS:localhost,IP:127.0.0.1",
    ];
    writeFileSync(file(`${name}.ext`), `${lines.join("\n")}\n`);
    const signer = ["-CA", `${ca}-cert.pem`, "-CAkey", `${ca}-key.pem`, "-CAcreateserial"];
    openssl(
      "x509",
      "-req",
      "-in",
      `${name}.csr`,
      ...signer,
      "-out",
      `${name}-cert.pem`,
      "-days",
      "3650",
      "-extfile",
      `${name}.ext`,
    );
  };
  authority("ca");
  authority("stranger-ca");
  issue("server", "ca", "serverAuth");
  issue("client", "ca", "clientAuth");
  issue("stranger", "stranger-ca", "clientAuth");
  const read = (name: string): Buffer => readFileSync(file(name));
  return {
    directory,
    ca: read("ca-cert.pem"),
    serverKey: read("server-key.pem"),
    serverCert: read("server-cert.pem"),
    clientKey: read("client-key.pem"),
    clientCert: read("client-cert.pem"),
    strangerKey: read("stranger-key.pem"),
    strangerCert: read("stranger-cert.pem"),
  };
}
