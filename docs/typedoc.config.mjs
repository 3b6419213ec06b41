/** The API's reference of all packages, into docs/api. Whatever is exported has to be documented. */
import { readdirSync, readFileSync } from "node:fs";

const packages = new URL("../packages/", import.meta.url);
const names = readdirSync(packages).map((folder) => {
  const manifest = JSON.parse(readFileSync(new URL(`${folder}/package.json`, packages), "utf8"));
  return manifest.name;
});

const validation = {
  notExported: true,
  invalidLink: true,
  // Links to folders are meant for readers of the repository; a test looks whether they lead anywhere.
  invalidPath: false,
  rewrittenLink: true,
  notDocumented: true,
  unusedMergeModuleWith: true,
};

/** @type {Partial<import("typedoc").TypeDocOptions>} */
const options = {
  name: "Rehandle",
  entryPointStrategy: "packages",
  entryPoints: ["../packages/*"],
  out: "api",
  readme: "../README.md",
  includeVersion: true,
  packageOptions: {
    // The merged whole is what has to be documented.
    validation: { ...validation, notDocumented: false },
    displayBasePath: "src",
    entryPoints: ["src{,/*}/index.ts"],
    // The build has checked the types, with a newer TypeScript than this.
    skipErrorChecking: true,
    excludeExternals: true,
    excludePrivate: true,
    sourceLinkTemplate: "https://github.com/rehandle/rehandle/blob/main/{path}#L{line}",
  },
  packagesRequiringDocumentation: names,
  // Properties are left to judgement, and so are variables: NBD's constants are documented by their names in its text.
  requiredToBeDocumented: ["Class", "Interface", "TypeAlias", "Function"],
  validation,
  treatWarningsAsErrors: true,
  treatValidationWarningsAsErrors: true,
};

export default options;
