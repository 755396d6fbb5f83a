import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeModel } from "../src/convert/model-file.ts";
import { fileTarget } from "../src/io/node/file-target.ts";
import { writeOnnx } from "../src/onnx/write.ts";
import { smallExample, smallNetwork } from "./models/small-network.ts";
import { runProgram } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "boltq-outputs-"));
const at = (...names: string[]) => join(folder, ...names);
const boltq = (...args: string[]) => runProgram("boltq", ...args);
const model = at("m.onnx");
const data = at("data");

beforeAll(async () => {
  await writeModel(smallNetwork(), fileTarget(model));
  const [target, weights] = [fileTarget(at("external.onnx")), fileTarget(at("external.data"))];
  await writeOnnx(smallNetwork(), target, { externalData: { location: () => "external.data", open: () => weights } });
  await weights.commit();
  await target.commit();
  mkdirSync(data);
  for (let seed = 1; seed <= 3; seed++) writeFileSync(at("data", `${seed}.npy`), smallExample(seed));
  symlinkSync("m.onnx", at("link.onnx"));
  linkSync(model, at("hard.onnx"));
  copyFileSync(model, at("copy.onnx"));
  writeFileSync(at("labels.csv"), "1.npy,0\n");
  boltq("calibrate", model, "--data", data, "-o", at("s.json"), "--table", at("t.json"));
  runProgram("x2bolt", "-d", folder, "-m", "m", "-i", "PTQ");
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Names and bytes of all files in the folder. */
function contents(): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
    statSync(at(name)).isFile(),
  );
  return new Map(names.sort().map((name) => [name, readFileSync(at(name), "base64")]));
}

const bolt = at("m_ptq_input.bolt");

describe("an output that is an input, or another output", () => {
  it.each([
    ["boltq", ["calibrate", model, "--data", data, "-o", model]],
    ["boltq", ["calibrate", model, "--stats", at("s.json"), "-o", model]],
    ["boltq", ["calibrate", model, "--stats", at("s.json"), "--table", at("s.json")]],
    ["boltq", ["calibrate", model, "--stats", at("s.json"), "-o", at("x.json"), "--table", at("x.json")]],
    ["boltq", ["calibrate", model, "--stats", at("s.json"), "-o", at("x.json"), "--table", at("data", "..", "x.json")]],
    ["boltq", ["calibrate", model, "--data", data, "--preview", at("data", "2.npy"), "-o", at("x.json")]],
    ["boltq", ["calibrate", model, "--data", at("data", "1.npy"), "-o", at("data", "1.npy")]],
    ["boltq", ["calibrate", "--merge", at("s.json"), "-o", at("s.json")]],
    ["boltq", ["convert", model, model]],
    ["boltq", ["convert", model, at("link.onnx")]],
    ["boltq", ["convert", at("link.onnx"), model]],
    ["boltq", ["convert", model, at("hard.onnx")]],
    ["boltq", ["quantize", model, "--data", data, "-o", at("link.onnx")]],
    ["boltq", ["quantize", model, "--stats", at("s.json"), "-o", at("x.onnx"), "--preview", at("s.json")]],
    ["boltq", ["compare", model, at("copy.onnx"), "--data", data, "--preview", at("copy.onnx")]],
    ["boltq", ["evaluate", model, "--data", data, "--labels", at("labels.csv"), "--preview", at("labels.csv")]],
    ["boltq", ["table", "--from-qdq", model, "-o", at("x.json"), "--float", model]],
    ["boltq", ["calibrate", at("external.onnx"), "--data", data, "-o", at("external.data")]],
    ["x2bolt", ["-d", folder, "-m", "m", "--output", model]],
    ["x2bolt", ["-d", folder, "-m", "external", "--output", at("external.data")]],
    ["post_training_quantization", ["-p", bolt, "--output", bolt]],
    ["post_training_quantization", ["-p", bolt, "-s", at("t.json"), "--output", at("t.json")]],
    [
      "post_training_quantization",
      ["-p", bolt, "-o", "true", "-i", "INT8_FP32", "-d", data, "--output", at("data", "1.npy")],
    ],
  ] as const)("is refused before any work: %s %j", (program, args) => {
    const before = contents();
    const { status, stdout, stderr } = runProgram(program, ...args);
    expect(stderr).toMatch(/: (the output would replace the input |two outputs would go to this file)/);
    expect(status).toBe(program === "post_training_quantization" ? 1 : 2);
    expect(stdout).toBe("");
    expect(contents()).toEqual(before);
  });

  it("is refused where a list names it, and where boltq run would write it", () => {
    writeFileSync(at("list.jsonl"), '{"file":"data/1.npy"}\n');
    const list = ["--data", at("list.jsonl")];
    expect(boltq("calibrate", model, ...list, "-o", at("data", "1.npy"))).toMatchObject({ status: 2 });
    mkdirSync(at("out"));
    writeFileSync(at("out", "result.npy"), smallExample(1));
    const before = contents();
    const run = boltq("run", model, "--input", at("out", "result.npy"), "--output-dir", at("out"));
    expect(run).toMatchObject({ status: 2 });
    expect(contents()).toEqual(before);
  });

  it("is fine beside the examples, and may replace what is no input", () => {
    for (let round = 0; round < 2; round++) {
      expect(boltq("calibrate", model, "--data", data, "-o", at("data", "s.json"))).toMatchObject({ status: 0 });
    }
    expect(readFileSync(at("data", "s.json"))).toEqual(readFileSync(at("s.json")));
    rmSync(at("data", "s.json"));
  });
});

describe("an output", () => {
  it("that cannot be is refused before the work", () => {
    mkdirSync(at("dir.bolt"));
    const { status, stderr } = runProgram("post_training_quantization", "-p", bolt, "--output", at("dir.bolt"));
    expect(status).toBe(1);
    expect(stderr).toContain("dir.bolt: this is a folder, and a file is to be written. Give the name of a file");
    const missing = boltq("calibrate", model, "--data", at("nowhere"), "-o", at("none", "s.json"));
    expect(missing.stderr).toContain("Create the folder first");
  });

  it("may be stdout: then nothing else is there", () => {
    const { status, stdout, stderr } = boltq("calibrate", model, "--data", data, "-o", "/dev/stdout");
    expect(status).toBe(0);
    expect(stdout).toBe(readFileSync(at("s.json"), "utf8"));
    expect(stderr).toContain("wrote /dev/stdout");
  });

  it("may be thrown away, also twice", () => {
    const args = ["calibrate", model, "--stats", at("s.json"), "-o", "/dev/null", "--table", "/dev/null"];
    expect(boltq(...args)).toMatchObject({ status: 0 });
    expect(boltq("quantize", model, "--stats", at("s.json"), "-o", "/dev/null")).toMatchObject({ status: 0 });
    expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
  });

  it("keeps a private file private", () => {
    writeFileSync(at("private.json"), "");
    chmodSync(at("private.json"), 0o600);
    expect(boltq("calibrate", model, "--stats", at("s.json"), "-o", at("private.json"))).toMatchObject({ status: 0 });
    expect(statSync(at("private.json")).mode & 0o777).toBe(0o600);
    expect(readFileSync(at("private.json"))).toEqual(readFileSync(at("s.json")));
  });
});
