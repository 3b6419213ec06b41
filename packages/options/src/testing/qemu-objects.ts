/** The part of QEMU 7.2's ObjectOptions that the comparison with the real QEMU uses. */
export const qemuObjectTypes = {
  ObjectType: { enum: ["authz-list", "iothread", "main-loop", "memory-backend-ram", "secret", "throttle-group"] },
  QAuthZListPolicy: { enum: ["deny", "allow"] },
  QAuthZListFormat: { enum: ["exact", "glob"] },
  QAuthZListRule: { struct: { match: "str", policy: "QAuthZListPolicy", "*format": "QAuthZListFormat" } },
  AuthZListProperties: { struct: { "*policy": "QAuthZListPolicy", "*rules": ["QAuthZListRule"] } },
  EventLoopBaseProperties: {
    struct: { "*aio-max-batch": "int", "*thread-pool-min": "int", "*thread-pool-max": "int" },
  },
  IothreadProperties: {
    base: "EventLoopBaseProperties",
    struct: { "*poll-max-ns": "int", "*poll-grow": "int", "*poll-shrink": "int" },
  },
  HostMemPolicy: { enum: ["default", "preferred", "bind", "interleave"] },
  MemoryBackendProperties: {
    struct: {
      "*dump": "bool",
      "*host-nodes": ["uint16"],
      "*merge": "bool",
      "*policy": "HostMemPolicy",
      "*prealloc": "bool",
      "*prealloc-threads": "uint32",
      "*prealloc-context": "str",
      "*share": "bool",
      "*reserve": "bool",
      size: "size",
      "*x-use-canonical-path-for-ramblock-id": "bool",
    },
  },
  QCryptoSecretFormat: { enum: ["raw", "base64"] },
  SecretProperties: {
    struct: {
      "*loaded": "bool",
      "*format": "QCryptoSecretFormat",
      "*keyid": "str",
      "*iv": "str",
      "*data": "str",
      "*file": "str",
    },
  },
  ThrottleLimits: { struct: { "*iops-total": "int", "*iops-total-max": "int", "*iops-size": "int" } },
  ThrottleGroupProperties: { struct: { "*limits": "ThrottleLimits", "*x-iops-total": "int", "*x-iops-size": "int" } },
  ObjectOptions: {
    union: { "qom-type": "ObjectType", id: "str" },
    discriminator: "qom-type",
    branches: {
      "authz-list": "AuthZListProperties",
      iothread: "IothreadProperties",
      "main-loop": "EventLoopBaseProperties",
      "memory-backend-ram": "MemoryBackendProperties",
      secret: "SecretProperties",
      "throttle-group": "ThrottleGroupProperties",
    },
  },
} as const;
