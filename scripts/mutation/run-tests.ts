/** A process that keeps vitest warm: told to, it runs test files one after the other until one fails. */

import { createVitest } from "vitest/node";

/** What the process is told. Paths are absolute. */
export interface RunRequest {
  /** The source file that was changed since the last run. */
  readonly changed: string;
  readonly tests: readonly string[];
}

/** What it answers: the first test file that failed. */
export interface RunAnswer {
  readonly failed: string | undefined;
}

const vitest = await createVitest("test", {
  watch: false,
  bail: 1,
  // Each run must load the changed source anew.
  isolate: true,
  pool: "threads",
  reporters: [{}],
  cacheDir: ".vite",
} as object);
const specifications = new Map(
  (await vitest.globTestSpecifications()).map((specification) => [specification.moduleId, specification]),
);

process.on("message", async ({ changed, tests }: RunRequest) => {
  vitest.invalidateFile(changed);
  let failed: string | undefined;
  for (const test of tests) {
    const { testModules, unhandledErrors } = await vitest.runTestSpecifications([specifications.get(test)!]);
    if (unhandledErrors.length > 0 || testModules.some((module) => module.state() === "failed")) failed = test;
    if (failed !== undefined) break;
  }
  process.send!({ failed } satisfies RunAnswer);
});
process.send!("ready");
