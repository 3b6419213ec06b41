import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";

/** An authority, and what it issued for a server and a client, as QEMU's tls-creds-x509 wants the files. `password` encrypts the server's key. */
export function makeCertificates(folder: string, password?: string): void {
  mkdirSync(folder);
  const run = (...args: string[]): void => void execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const authority = ["-x509", ...key, "-keyout", "ca-key.pem", "-out", "ca-cert.pem", "-days", "2"];
  run("req", ...authority, "-subj", "/CN=test authority");
  for (const [name, extension] of [
    ["server", "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n"],
    ["client", "extendedKeyUsage=clientAuth\n"],
  ] as const) {
    run("req", "-new", ...key, "-keyout", `${name}-key.pem`, "-out", `${name}.csr`, "-subj", `/CN=test ${name}`);
    writeFileSync(`${folder}/${name}.ext`, extension);
    const files = ["-in", `${name}.csr`, "-out", `${name}-cert.pem`, "-extfile", `${name}.ext`];
    run("x509", "-req", ...files, "-CA", "ca-cert.pem", "-CAkey", "ca-key.pem", "-CAcreateserial", "-days", "2");
  }
  if (password === undefined) return;
  const encrypted = ["-aes256", "-passout", `pass:${password}`];
  run("pkey", "-in", "server-key.pem", "-out", "encrypted.pem", ...encrypted);
  renameSync(`${folder}/encrypted.pem`, `${folder}/server-key.pem`);
}
