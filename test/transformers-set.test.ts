import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeSet } from "../src/cli/describe-set.ts";
import { decoder, mergedDecoder } from "./models/decoder.ts";
import { modelBytes } from "./models/model-bytes.ts";
import { runProgram } from "./program.ts";

let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "boltq-set-"));
  mkdirSync(at("onnx"));
  writeFileSync(at("onnx/decoder_model.onnx"), await modelBytes(decoder()));
  writeFileSync(at("onnx/decoder_model_merged.onnx"), await modelBytes(mergedDecoder()));
  writeFileSync(at("onnx/decoder_model_q4.onnx"), "of an earlier run: no float model");
  writeFileSync(at("ids.jsonl"), '{"input_ids": [5, 8, 1, 90, 3, 2, 17]}\n{"input_ids": [4, 44, 41]}\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = (...args: string[]) => runProgram("boltq", "quantize", at("onnx"), "--for", "transformers.js", ...args);

it("writes every float model of a folder by the names of transformers.js, and says what each gives", () => {
  const { status, stdout, stderr } = run("-o", at("out"), "--dtypes", "q4,int8,q8", "--data", at("ids.jsonl"));
  expect([status, stderr]).toEqual([0, ""]);
  const names = ["int8", "q4", "quantized"].flatMap((suffix) => [
    `decoder_model_${suffix}.onnx`,
    `decoder_model_merged_${suffix}.onnx`,
  ]);
  expect(readdirSync(at("out")).sort()).toEqual(names.sort());
  expect(readFileSync(at("out/decoder_model_int8.onnx"))).toEqual(readFileSync(at("out/decoder_model_quantized.onnx")));
  const rows = stdout.split("\n").filter((line) => line.includes("_quantized.onnx") || line.includes("_q4.onnx"));
  expect(rows).toHaveLength(4);
  for (const row of rows) {
    const [, , , , , decibels, , agreeing] = row.split(/ +/) as string[];
    expect(Number(decibels)).toBeGreaterThan(row.includes("_q4") ? 10 : 25);
    expect(Number(agreeing)).toBeGreaterThanOrEqual(90);
  }
});

it("refuses what it cannot write before it writes anything", () => {
  for (const [args, message] of [
    [["--dtypes", "q4,q9", "-o", at("no")], 'transformers.js has no dtype "q9" that can be written. Choose from'],
    [[], "the output is missing (-o FOLDER)"],
  ] as const) {
    const { status, stderr } = run(...args);
    expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
  }
  expect(readdirSync(folder)).not.toContain("no");
});

it("leaves no folder behind for a model that can't be read", () => {
  const model = at("onnx/decoder_model_q4.onnx");
  const set = (output: string) => runProgram("boltq", "quantize", model, "--for", "transformers.js", "-o", output);
  expect(set(at("new/onnx")).status).toBe(1);
  expect(readdirSync(folder)).not.toContain("new");
  mkdirSync(at("there"));
  expect(set(at("there/onnx")).status).toBe(1);
  expect(readdirSync(at("there"))).toEqual([]);
});

it("says what config.json must say of weights beside the models", () => {
  const file = { dtype: "q4", bytes: 3e9, dataFiles: 0 };
  const lines = describeSet([
    { ...file, path: "in/model.onnx", dtype: "fp32", bytes: 9e9, dataFiles: 1 },
    { ...file, path: "out/model_q4.onnx", dataFiles: 2 },
    { ...file, path: "out/model_quantized.onnx", dtype: "q8" },
  ]);
  expect(lines.slice(-6)).toEqual([
    "config.json must say:",
    '  "transformers.js_config": {',
    '    "use_external_data_format": {',
    '      "model_q4.onnx": 2',
    "    }",
    "  }",
  ]);
});
