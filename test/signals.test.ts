import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseObservations } from "../src/calibrate/observations-file.ts";
import { writeModel } from "../src/convert/model-file.ts";
import { fileTarget } from "../src/io/node/file-target.ts";
import { smallExample, smallNetwork } from "./models/small-network.ts";
import { programPath } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "boltq-signals-"));
const data = join(folder, "data");
const output = join(folder, "s.json");
const EXAMPLES = 2000;

function wholeStatistics() {
  return parseObservations(readFileSync(output, "utf8"), output);
}

beforeAll(async () => {
  await writeModel(smallNetwork(), fileTarget(join(folder, "m.onnx")));
  mkdirSync(data);
  for (let seed = 1; seed <= EXAMPLES; seed++) writeFileSync(join(data, `${seed}.npy`), smallExample(seed % 7));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Sends a signal `delay` milliseconds after the start; gives what became of the program. */
async function stopped(signal: NodeJS.Signals, delay: number): Promise<{ code: number | null; stderr: string }> {
  const args = ["calibrate", join(folder, "m.onnx"), "--data", data, "-o", output];
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
      const left = readdirSync(folder).filter((name) => name !== "s.json");
      expect(left.sort()).toEqual(["data", "m.onnx"]);
      // A signal may come when all is written and the program about to end: what is there is whole.
      if (code === 0 || existsSync(output)) expect(wholeStatistics().examples.length).toBe(EXAMPLES);
      rmSync(output, { force: true });
    }
  },
);
