import { afterEach, expect, it, vi } from "vitest";
import { runProgram } from "./program.ts";

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = 0;
});

it.each([
  [["help", "nonsense"], 2],
  [["help", "inspect"], 0],
  [["help"], 0],
])("gives help to what there is alone: %j", async (args, code) => {
  vi.spyOn(process.stdout, "write").mockReturnValue(true);
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  process.exitCode = 0;
  await runProgram(args);
  expect(process.exitCode).toBe(code);
});
