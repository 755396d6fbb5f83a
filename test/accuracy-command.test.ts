import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { writeNpy } from "../src/data/npy.ts";
import { modelBytes } from "./models/model-bytes.ts";
import { boltNetwork, normalPictures } from "./models/networks.ts";
import { runProgram } from "./program.ts";

let folder: string;
const at = (name: string): string => join(folder, name);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "boltq-accuracy-"));
  mkdirSync(at("data"));
  writeFileSync(at("net_ptq_input.bolt"), await modelBytes(boltNetwork()));
  for await (const { name, inputs } of normalPictures(12).samples())
    writeFileSync(at(`data/${name}.npy`), writeNpy(inputs.get("x")!));
});
afterEach(() => rmSync(folder, { recursive: true }));

const run = (...args: string[]) =>
  runProgram("post_training_quantization", "-p", at("net_ptq_input.bolt"), "-i", "FP32", "-q", "INT8", ...args);

it("seeks accuracy only where it is asked for, and says what each step gave", () => {
  const plain = run("--output", at("plain.bolt"));
  const withData = run("--output", at("unused.bolt"), "-d", at("data"));
  const best = run("--output", at("best.bolt"), "-d", at("data"), "--accuracy", "best");
  expect([plain.status, withData.status, best.status]).toEqual([0, 0, 0]);
  expect(withData.stderr).toContain("without -o true or --accuracy best the examples (-d) are not used");
  expect(best.stderr).toMatch(/^accuracy: as planned: [0-9.]+ dB on examples held back$/m);
  expect(best.stderr).toMatch(/^accuracy: layers fitted: [0-9.]+ dB on examples held back$/m);
  const bytes = (name: string) => readFileSync(at(name));
  expect(bytes("unused.bolt").equals(bytes("plain.bolt"))).toBe(true);
  expect(bytes("best.bolt").equals(bytes("plain.bolt"))).toBe(false);
  expect(bytes("best.bolt").length).toBe(bytes("plain.bolt").length);
});

it.each([
  ["no examples", ["--accuracy", "best"], /examples to calibrate with are missing/],
  ["another word", ["--accuracy", "good", "-d", "."], /there is no accuracy "good"/],
  ["a plan", ["--accuracy", "best", "-d", ".", "--plan", "plan.json"], /a plan says what is done/],
  ["clip values", ["--accuracy", "best", "-c", "2"], /not sought/],
])("refuses %s", (_, args, message) => {
  const { status, stderr } = run(
    ...args.map((arg) => (arg === "." ? at("data") : arg)),
    ...(args.includes("-c") ? ["-d", at("data")] : []),
  );
  expect(status).toBe(1);
  expect(stderr).toMatch(message);
});
