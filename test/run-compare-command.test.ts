import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { readNpy } from "../src/data/npy.ts";
import { memorySource } from "../src/io/bytes.ts";
import { runProgram } from "./program.ts";
import { describeWithShared, sharedPath } from "./shared.ts";

const MODEL = "golden/bolt/midcnn";
const INPUT = sharedPath("golden/bolt_models/midcnn/input.npy");

const boltq = (...args: string[]): string => {
  const { status, stdout, stderr } = runProgram("boltq", ...args);
  expect(status, stderr).toBe(0);
  return stdout;
};

describeWithShared("boltq run and boltq compare", () => {
  const folder = mkdtempSync(join(tmpdir(), "boltq-run-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it("writes the outputs as arrays named after them", async () => {
    const out = join(folder, "out");
    boltq("run", sharedPath(MODEL, "i_INT8__int8_q.bolt"), "--input", `input=${INPUT}`, "--output-dir", out);
    expect(readdirSync(out)).toEqual(["output.npy"]);
    const written = await readNpy(memorySource(new Uint8Array(readFileSync(join(out, "output.npy")))));
    expect(written).toMatchObject({ type: "float32", shape: [1, 1000] });
  });

  it("says what is wrong with the inputs in one line, and writes nothing", () => {
    const out = join(folder, "none");
    const args = ["run", sharedPath(MODEL, "midcnn.onnx"), "--input", INPUT, INPUT, "--output-dir", out];
    const { status, stderr } = runProgram("boltq", ...args);
    expect(status).not.toBe(0);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toContain("there is no input left");
    expect(readdirSync(folder)).not.toContain("none");
  });

  it("compares two models as JSON, infinite decibels included", () => {
    const [float, int8] = [sharedPath(MODEL, "midcnn.onnx"), sharedPath(MODEL, "i_INT8__int8_q.bolt")];
    const against = (other: string) =>
      JSON.parse(boltq("compare", float, other, "--data", INPUT, "--layers", "--json"));
    const quantized = against(int8);
    expect(quantized.samples).toBe(1);
    expect(quantized.outputs[0].decibels).toBeGreaterThan(20);
    expect(quantized.layers.length).toBeGreaterThan(8);
    expect(quantized.milliseconds).toHaveLength(2);
    expect(against(float).outputs[0].decibels).toBe("Infinity");
  });
});
