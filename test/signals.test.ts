import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeModel } from "../src/convert/model-file.ts";
import { fileTarget } from "../src/io/node/file-target.ts";
import { smallExample, smallNetwork } from "./models/small-network.ts";
import { programPath } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "boltq-signals-"));
const data = join(folder, "data");

beforeAll(async () => {
  await writeModel(smallNetwork(), fileTarget(join(folder, "m.onnx")));
  mkdirSync(data);
  for (let seed = 1; seed <= 2000; seed++) writeFileSync(join(data, `${seed}.npy`), smallExample(seed % 7));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Sends a signal `delay` milliseconds after the start; gives what became of the program. */
async function stopped(signal: NodeJS.Signals, delay: number): Promise<{ code: number | null; stderr: string }> {
  const args = ["calibrate", join(folder, "m.onnx"), "--data", data, "-o", join(folder, "s.json")];
  const program = spawn(process.execPath, [programPath("boltq"), ...args], { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  program.stderr.on("data", (text) => {
    stderr += text;
  });
  const timer = setTimeout(() => program.kill(signal), delay);
  const code = await new Promise<number | null>((resolve) => program.on("close", resolve));
  clearTimeout(timer);
  return { code, stderr };
}

it.each([
  ["SIGTERM", 143, [800, 1100, 1400]],
  ["SIGINT", 130, [900, 1200]],
  ["SIGHUP", 129, [1000, 1300]],
] as const)(
  "%s ends a calibration with the code %i, without a word of ONNX Runtime's",
  async (signal, expected, delays) => {
    for (const delay of delays) {
      const { code, stderr } = await stopped(signal, delay);
      // null: before the program had set its handlers; 0: it was faster.
      expect([expected, null, 0]).toContain(code);
      if (code === expected) expect(stderr).toBe("\nboltq: stopped; nothing half-written is left\n");
      if (code !== 0) expect(readdirSync(folder).sort()).toEqual(["data", "m.onnx"]);
      else rmSync(join(folder, "s.json"));
    }
  },
);
