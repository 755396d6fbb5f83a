import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** Tests run from the sources: what the package maps to built files for Node stands in tsconfig.json as sources. */
const { paths } = JSON.parse(readFileSync(new URL("tsconfig.json", import.meta.url), "utf8")).compilerOptions;
const alias = Object.entries(paths as Record<string, [string]>).map(([find, [source]]) => ({
  find,
  replacement: fileURLToPath(new URL(source, import.meta.url)),
}));

/** Where programs that tests start say which of their code ran; scripts/coverage.mjs asks for it. */
const programs = process.env["PROGRAM_COVERAGE"];

export default defineConfig({
  resolve: { alias },
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts", "web/src/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    // A process for each file would take longer to start than most files take.
    isolate: false,
    env: programs === undefined ? {} : { NODE_V8_COVERAGE: programs },
  },
});
