import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** An authority, and what it issued for one server and one client, in the files that QEMU and nbdkit look for. */
export interface Certificates {
  readonly folder: string;
  readonly ca: string;
  readonly clientCert: string;
  readonly clientKey: string;
}

/** Makes them with openssl. `hostname`: the only name that the server's certificate carries. */
export function makeCertificates(folder: string, hostname: string): Certificates {
  mkdirSync(folder, { recursive: true });
  const run = (...args: string[]): void => void execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  run(
    "req",
    "-x509",
    ...key,
    "-keyout",
    "ca-key.pem",
    "-out",
    "ca-cert.pem",
    "-days",
    "2",
    "-subj",
    "/CN=test authority",
  );
  issue("server", `subjectAltName=DNS:${hostname}\nextendedKeyUsage=serverAuth\n`);
  issue("client", "extendedKeyUsage=clientAuth\n");
  return {
    folder,
    ca: readFileSync(join(folder, "ca-cert.pem"), "utf8"),
    clientCert: readFileSync(join(folder, "client-cert.pem"), "utf8"),
    clientKey: readFileSync(join(folder, "client-key.pem"), "utf8"),
  };

  function issue(name: string, extensions: string): void {
    run("req", "-new", ...key, "-keyout", `${name}-key.pem`, "-out", `${name}.csr`, "-subj", `/CN=test ${name}`);
    writeFileSync(join(folder, `${name}.ext`), extensions);
    const authority = ["-CA", "ca-cert.pem", "-CAkey", "ca-key.pem", "-CAcreateserial"];
    const files = ["-in", `${name}.csr`, "-out", `${name}-cert.pem`, "-extfile", `${name}.ext`];
    run("x509", "-req", ...files, ...authority, "-days", "2");
  }
}
