import { defineConfig } from "vitest/config";

/** Tests run from the sources of every package, so that no build can be stale. */
const conditions = ["@rehandle/source", "node", "import", "default"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["{packages,apps,examples,bench,docs,tests}/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    testTimeout: 30_000,
  },
});
