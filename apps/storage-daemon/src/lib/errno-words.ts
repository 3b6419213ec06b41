import { getSystemErrorMap } from "node:util";

/** What strerror(3) of glibc says where libuv's words differ by more than the first letter, or where it has none. */
const STRERROR: ReadonlyMap<string, string> = new Map([
  ["EACCES", "Permission denied"],
  ["EADDRINUSE", "Address already in use"],
  ["EADDRNOTAVAIL", "Cannot assign requested address"],
  ["EADV", "Advertise error"],
  ["EAFNOSUPPORT", "Address family not supported by protocol"],
  ["EAI_ADDRFAMILY", "Address family for hostname not supported"],
  ["EAI_AGAIN", "Temporary failure in name resolution"],
  ["EALREADY", "Operation already in progress"],
  ["EBADE", "Invalid exchange"],
  ["EBADFD", "File descriptor in bad state"],
  ["EBADMSG", "Bad message"],
  ["EBADR", "Invalid request descriptor"],
  ["EBADRQC", "Invalid request code"],
  ["EBADSLT", "Invalid slot"],
  ["EBFONT", "Bad font file format"],
  ["EBUSY", "Device or resource busy"],
  ["ECHILD", "No child processes"],
  ["ECHRNG", "Channel number out of range"],
  ["ECOMM", "Communication error on send"],
  ["ECONNRESET", "Connection reset by peer"],
  ["EDEADLK", "Resource deadlock avoided"],
  ["EDEADLOCK", "Resource deadlock avoided"],
  ["EDOM", "Numerical argument out of domain"],
  ["EDOTDOT", "RFS specific error"],
  ["EDQUOT", "Disk quota exceeded"],
  ["EEXIST", "File exists"],
  ["EFAULT", "Bad address"],
  ["EHOSTUNREACH", "No route to host"],
  ["EIDRM", "Identifier removed"],
  ["EILSEQ", "Invalid or incomplete multibyte or wide character"],
  ["EINPROGRESS", "Operation now in progress"],
  ["EIO", "Input/output error"],
  ["EISCONN", "Transport endpoint is already connected"],
  ["EISDIR", "Is a directory"],
  ["EISNAM", "Is a named type file"],
  ["EKEYEXPIRED", "Key has expired"],
  ["EKEYREJECTED", "Key was rejected by service"],
  ["EKEYREVOKED", "Key has been revoked"],
  ["EL2HLT", "Level 2 halted"],
  ["EL2NSYNC", "Level 2 not synchronized"],
  ["EL3HLT", "Level 3 halted"],
  ["EL3RST", "Level 3 reset"],
  ["ELIBACC", "Can not access a needed shared library"],
  ["ELIBBAD", "Accessing a corrupted shared library"],
  ["ELIBEXEC", "Cannot exec a shared library directly"],
  ["ELIBMAX", "Attempting to link in too many shared libraries"],
  ["ELIBSCN", ".lib section in a.out corrupted"],
  ["ELNRNG", "Link number out of range"],
  ["ELOOP", "Too many levels of symbolic links"],
  ["EMEDIUMTYPE", "Wrong medium type"],
  ["EMULTIHOP", "Multihop attempted"],
  ["ENAMETOOLONG", "File name too long"],
  ["ENAVAIL", "No XENIX semaphores available"],
  ["ENETRESET", "Network dropped connection on reset"],
  ["ENETUNREACH", "Network is unreachable"],
  ["ENFILE", "Too many open files in system"],
  ["ENOANO", "No anode"],
  ["ENOCSI", "No CSI structure available"],
  ["ENOKEY", "Required key not available"],
  ["ENOLCK", "No locks available"],
  ["ENOLINK", "Link has been severed"],
  ["ENOMEDIUM", "No medium found"],
  ["ENOMEM", "Cannot allocate memory"],
  ["ENOMSG", "No message of desired type"],
  ["ENOPKG", "Package not installed"],
  ["ENOSR", "Out of streams resources"],
  ["ENOSTR", "Device not a stream"],
  ["ENOTBLK", "Block device required"],
  ["ENOTCONN", "Transport endpoint is not connected"],
  ["ENOTFOUND", "Name or service not known"],
  ["ENOTNAM", "Not a XENIX named type file"],
  ["ENOTRECOVERABLE", "State not recoverable"],
  ["ENOTSOCK", "Socket operation on non-socket"],
  ["ENOTSUP", "Operation not supported"],
  ["ENOTUNIQ", "Name not unique on network"],
  ["EOPNOTSUPP", "Operation not supported"],
  ["EOWNERDEAD", "Owner died"],
  ["EPFNOSUPPORT", "Protocol family not supported"],
  ["ERANGE", "Numerical result out of range"],
  ["EREMCHG", "Remote address changed"],
  ["EREMOTE", "Object is remote"],
  ["ERESTART", "Interrupted system call should be restarted"],
  ["ERFKILL", "Operation not possible due to RF-kill"],
  ["ESPIPE", "Illegal seek"],
  ["ESRMNT", "Srmount error"],
  ["ESTALE", "Stale file handle"],
  ["ESTRPIPE", "Streams pipe error"],
  ["ETIME", "Timer expired"],
  ["ETIMEDOUT", "Connection timed out"],
  ["ETOOMANYREFS", "Too many references: cannot splice"],
  ["ETXTBSY", "Text file busy"],
  ["EUCLEAN", "Structure needs cleaning"],
  ["EUSERS", "Too many users"],
  ["EWOULDBLOCK", "Resource temporarily unavailable"],
  ["EXDEV", "Invalid cross-device link"],
  ["EXFULL", "Exchange full"],
]);

/** The words of an errno name as the C library has them, or the name itself if nobody knows it. */
export function wordsOfErrno(code: string): string {
  const known = STRERROR.get(code);
  if (known !== undefined) return known;
  for (const [name, words] of getSystemErrorMap().values()) {
    if (name === code) return words.charAt(0).toUpperCase() + words.slice(1);
  }
  return code;
}

/** The errno name of whatever was thrown; EIO if it has none. */
export function errnoOf(thrown: unknown): string {
  if (typeof thrown === "object" && thrown !== null && "code" in thrown && typeof thrown.code === "string") {
    return thrown.code;
  }
  return "EIO";
}
