import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeModel } from "../src/convert/model-file.ts";
import { fileTarget } from "../src/io/node/file-target.ts";
import { smallExample, smallNetwork } from "./models/small-network.ts";
import { runProgram } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "boltq-says-"));
const at = (name: string) => join(folder, name);
const sizes = (first: string, second: string) => `(${statSync(at(first)).size} -> ${statSync(at(second)).size} bytes`;

beforeAll(async () => {
  await writeModel(smallNetwork(), fileTarget(at("m.onnx")));
  mkdirSync(at("data"));
  writeFileSync(join(at("data"), "a.npy"), smallExample(1));
  runProgram("x2bolt", "-d", folder, "-m", "m", "-i", "PTQ");
});
afterAll(() => rmSync(folder, { recursive: true }));

it("quantize tells what is in int8, and bytes before and after", () => {
  const { stdout } = runProgram(
    "boltq",
    "quantize",
    at("m.onnx"),
    "--data",
    at("data"),
    "-o",
    at("q.onnx"),
    "--effort",
    "fast",
  );
  expect(stdout).toContain("operators compute in int8, 2 of 2 weights are stored in int8\n");
  expect(stdout).toContain(sizes("m.onnx", "q.onnx"));
  expect(stdout).toMatch(/wrote .*q\.onnx\n$/);
});

it("quantize writes beside the model where no output is named", () => {
  const { stdout } = runProgram("boltq", "quantize", at("m.onnx"), "--recipe", "int8-blocks");
  expect(stdout).toContain(`wrote ${at("m_int8-blocks.onnx")}\n`);
  expect(statSync(at("m_int8-blocks.onnx")).size).toBeGreaterThan(0);
});

it("post_training_quantization does so too, with the reasons, and what to type when the file grew", () => {
  const quantize = (...args: string[]) => {
    const command = ["-p", at("m_ptq_input.bolt"), "--output", at("q.bolt"), ...args];
    return runProgram("post_training_quantization", ...command).stdout;
  };
  const small = quantize("-i", "INT8_FP32", "-q", "INT8");
  expect(small).toContain("2 of 2 weights are stored in int8");
  expect(small).toContain(`${sizes("m_ptq_input.bolt", "q.bolt")}, `);
  const large = quantize("-i", "INT8_FP32", "-q", "NOQUANT");
  expect(large).toContain("weights left in float: 2: storage is not quantized");
  expect(large).toContain(`${sizes("m_ptq_input.bolt", "q.bolt")}): the file grew. Give -q INT8 to store`);
});

it("help COMMAND is COMMAND --help, for Bolt's programs too", () => {
  for (const command of ["calibrate", "quantize", "X2bolt", "post_training_quantization"]) {
    const { status, stdout } = runProgram("boltq", "help", command);
    expect(status).toBe(0);
    expect(stdout).toBe(runProgram("boltq", command, "--help").stdout);
    expect(stdout).toMatch(/-[a-z], |-[a-z] [A-Z]+ /);
  }
  expect(runProgram("boltq", "help").stdout).toBe(runProgram("boltq", "--help").stdout);
});

it("quantize warns of what looks wrong about the data, and of one example alone", () => {
  mkdirSync(at("same"));
  writeFileSync(join(at("same"), "a.npy"), smallExample(1).fill(0, 128));
  const { stderr } = runProgram(
    "boltq",
    "quantize",
    at("m.onnx"),
    "--data",
    at("same"),
    "--dry-run",
    "--effort",
    "fast",
  );
  expect(stderr).toContain('warning: all numbers of the example "a.npy" are zero');
  expect(stderr).toContain("warning: there is one example");
});

it("presets lists what can be chosen, and completion completes it", () => {
  expect(runProgram("boltq", "presets").stdout).toMatch(/^mobilenet +stretched, RGB, .*: -1\.00 to 1\.00$/m);
  const { stdout } = runProgram("boltq", "completion", "bash");
  expect(stdout).toContain('"quantize --effort") COMPREPLY=($(compgen -W "fast default max"');
  expect(stdout).toMatch(/tune\) .*--max-drop/);
});
