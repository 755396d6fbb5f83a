import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { BoltModel } from "../src/bolt/model.ts";
import { readBolt } from "../src/bolt/read.ts";
import { memorySource } from "../src/io/bytes.ts";
import type { Plan } from "../src/quantize/plan.ts";
import { type ProgramRun, runProgram } from "./program.ts";
import { describeWithShared, sharedPath } from "./shared.ts";

const NEWER = sharedPath("golden/bolt/smallcnn/smallcnn_ptq_input.bolt");
const OLDER = sharedPath("golden/bolt_v1.3/smallcnn/smallcnn_ptq_input.bolt");

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "boltq-ptq-"));
  copyFileSync(NEWER, join(folder, "newer_ptq_input.bolt"));
  copyFileSync(OLDER, join(folder, "older_ptq_input.bolt"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);

const run = (...args: string[]): ProgramRun => runProgram("post_training_quantization", ...args);

/** Runs, expects success, and reads what was written. */
async function quantize(output: string, ...args: string[]): Promise<BoltModel> {
  const { status, stderr } = run(...args);
  expect(stderr.split("\n").filter((line) => !line.startsWith("warning: "))).toEqual([""]);
  expect(status).toBe(0);
  return readBolt(memorySource(new Uint8Array(readFileSync(at(output))), output));
}

function table(content: unknown): string {
  writeFileSync(at("table.json"), typeof content === "string" ? content : JSON.stringify(content));
  return at("table.json");
}

const scalesOf = (model: BoltModel, name: string): number[][] =>
  model.graph.nodes.find((node) => node.name === name)!.data.scales.map((slot) => [...slot]);

/** Expects failure with one line that says `message`, and no new file. */
function expectRefusal(message: string, ...args: string[]): void {
  const before = readdirSync(folder);
  const { status, stdout, stderr } = run(...args);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(stderr).toContain(message);
  expect([status, stdout]).toEqual([1, ""]);
  expect(readdirSync(folder)).toEqual(before);
}

describeWithShared("the program post_training_quantization", () => {
  it("takes options as getopt does, words in any case, and names its output as Bolt does", async () => {
    const model = await quantize("newer_int8_q.bolt", `-p${at("newer_ptq_input.bolt")}`, "-iint8", "-qint8");
    const golden = readFileSync(sharedPath("golden/bolt/smallcnn/i_INT8__int8_q.bolt"));
    expect(readFileSync(at("newer_int8_q.bolt")).equals(golden)).toBe(true);
    expect(model.dataType).toBe("I8");
    await quantize("newer_f32_q.bolt", "-p", at("newer_ptq_input.bolt"), "-i", "FP32", "-q", "FP16");
    await quantize("newer_f16.bolt", "-i", "fp16", "-p", at("newer_ptq_input.bolt"));
    await quantize("newer_int4_q.bolt", "-Vp", at("newer_ptq_input.bolt"), "-i", "INT4");
    await quantize("older_f32_q.bolt", "-p", at("older_ptq_input.bolt"), "-i", "FP32");
  });

  it("knows the words of either version of Bolt for files of both", async () => {
    const older = await quantize("older_int8_q.bolt", "-p", at("older_ptq_input.bolt"), "-i", "INT8");
    const golden = readFileSync(sharedPath("golden/bolt_v1.3/smallcnn/default__int8_q.bolt"));
    expect(readFileSync(at("older_int8_q.bolt")).equals(golden)).toBe(true);
    expect([older.version, older.dataType]).toEqual([20220126, "F16_8Q"]);
    const newer = await quantize("newer_int8_q.bolt", "-p", at("newer_ptq_input.bolt"), "-i", "INT8_FP32", "-q", "MIX");
    const types = new Map([...newer.weights].map((record) => [record.operator, record.dataType]));
    expect([newer.dataType, types.get("conv1"), types.get("conv2")]).toEqual(["F32_8Q", "F32", "I8"]);
  });

  it("clips the inputs of matrix operators and leaves their weights alone (-c)", async () => {
    const args = ["-p", at("newer_ptq_input.bolt"), "-i", "INT8"];
    const clipped = await quantize("newer_int8_q.bolt", ...args, "-c", "2.5");
    expect(scalesOf(clipped, "conv2")).toEqual([[Math.fround(127 / 2.5)], [-2]]);
    expect(scalesOf(clipped, "conv1")).toEqual([[0]]);
    const plain = await quantize("plain.bolt", ...args, "--output", at("plain.bolt"));
    const scaleOf = (model: BoltModel) => [...model.weights].map((record) => record.scales[0]?.[0]);
    expect(scaleOf(clipped)).toEqual(scaleOf(plain));
  });

  it("gives outputs and inputs their own scales (-s), whole numbers and fractions", async () => {
    const clips = { conv2: { inputs: { p1: 3 }, outputs: { c2: 3.5 }, weights: { conv2_w: 0.5 } } };
    for (const version of ["newer", "older"]) {
      const args = ["-p", at(`${version}_ptq_input.bolt`), "-i", "INT8_FP32", "-q", "INT8", "-s", table(clips)];
      const model = await quantize(`${version}_int8_q.bolt`, ...args);
      expect(scalesOf(model, "conv2")).toEqual([[Math.fround(127 / 3)], [Math.fround(127 / 3.5)]]);
      expect(scalesOf(model, "conv3")).toEqual([[0]]);
      const weight = [...model.weights].find((record) => record.operator === "conv2")!;
      expect(weight.scales[0]![0]).toBeGreaterThanOrEqual(254);
      const asBolt = await quantize(`${version}_int8_q.bolt`, ...args, "--as-bolt");
      expect(scalesOf(asBolt, "conv2")).toEqual([[Math.fround(127 / 3.5)], [-2]]);
    }
  });

  it("quantizes dynamically what a table names", async () => {
    const args = ["-p", at("newer_ptq_input.bolt"), "-i", "INT8", "-s"];
    const choice = { quantization: "dynamic", quant_ops: ["conv1"], no_quant_ops: ["fc"] };
    const model = await quantize("newer_int8_q.bolt", ...args, table(choice));
    expect(scalesOf(model, "fc")).toEqual([[0]]);
    expect(scalesOf(model, "conv1")[0]![0]).toBeLessThan(0);
  });

  it("refuses tables that do not fit the model", () => {
    const args = ["-p", at("newer_ptq_input.bolt"), "-i", "INT8", "-s"];
    const refuse = (message: string, content: unknown) => {
      const path = table(content);
      expectRefusal(message, ...args, path);
    };
    refuse('names the layer "convv2"', { convv2: {} });
    refuse('nearest names are "conv2"', { convv2: {} });
    refuse('the input "p2" of the layer "conv2"', { conv2: { inputs: { p2: 1 } } });
    refuse("must be a positive number, not -1", { conv2: { inputs: { p1: -1 } } });
    refuse('must be a positive number, not "1"', { conv2: { inputs: { p1: "1" } } });
    refuse('names the layer "__proto__"', '{"__proto__": {"inputs": {"polluted": 1}}}');
    refuse("line 2, column 3", '{"conv2":\n  oops}');
    refuse("must be an object", "[1]");
    expectRefusal("cannot be read", ...args, at("missing.json"));
  });

  it("writes a network of a single Identity, and float32 weights for float16 computation", async () => {
    copyFileSync(sharedPath("golden/bolt_ops/identity/ptq_input.bolt"), at("one_ptq_input.bolt"));
    await quantize("one_int8_q.bolt", "-p", at("one_ptq_input.bolt"), "-i", "INT8");
    const model = await quantize("newer_f16_q.bolt", "-p", at("newer_ptq_input.bolt"), "-i", "FP16", "-q", "FP32");
    expect([model.dataType, [...model.weights][0]!.dataType]).toEqual(["F16", "F32"]);
  });

  it("never stores int8 in a form that the reader of a float network takes for floats", async () => {
    for (const inference of ["FP32", "FP16"]) {
      const name = `older_${inference === "FP32" ? "f32" : "f16"}_q.bolt`;
      const model = await quantize(name, "-p", at("older_ptq_input.bolt"), "-i", inference, "-q", "INT8");
      expect([...model.weights].filter((record) => record.dataType.endsWith("_8Q"))).toEqual([]);
    }
  });

  it("says in one line what is wrong with a call, and leaves no file", () => {
    const model = at("newer_ptq_input.bolt");
    expectRefusal("the model is missing");
    expectRefusal("there is no such file", "-p", at("none_ptq_input.bolt"));
    expectRefusal("must contain ptq_input.bolt", "-p", sharedPath("golden/bolt/smallcnn/x2bolt_f32.bolt"));
    expectRefusal("there is no option -Z", "-Z", "1", "-p", model);
    expectRefusal("option -p needs a value", "-p");
    expectRefusal('"HIDDEN"', "-p", model, "-i", "HIDDEN");
    expectRefusal('"BNN"', "-p", model, "-q", "BNN");
    expectRefusal("Create the folder first", "-p", model, "--output", at("none/x.bolt"));
    expectRefusal("would replace the input", "-p", model, "--output", model);
    copyFileSync(sharedPath("golden/bolt/smallcnn/i_INT8__int8_q.bolt"), at("q_ptq_input.bolt"));
    expectRefusal("not float32", "-p", at("q_ptq_input.bolt"));
  });

  it("keeps the output that is there when it fails, and never touches the model", async () => {
    const model = at("newer_ptq_input.bolt");
    writeFileSync(at("newer_int8_q.bolt"), "before");
    writeFileSync(at("cut_ptq_input.bolt"), readFileSync(NEWER).subarray(0, statSync(NEWER).size / 2));
    writeFileSync(at("cut_int8_q.bolt"), "before");
    expectRefusal("cut_ptq_input.bolt", "-p", at("cut_ptq_input.bolt"), "-i", "INT8");
    expect(readFileSync(at("cut_int8_q.bolt"), "utf8")).toBe("before");
    await quantize("newer_int8_q.bolt", "-p", model, "-i", "INT8");
    expect(readFileSync(model).equals(readFileSync(NEWER))).toBe(true);
  });

  it("tells what it would do and why, and writes nothing (--dry-run)", () => {
    const { stdout } = run("-p", at("newer_ptq_input.bolt"), "-i", "INT8", "--dry-run", "--json");
    const { operators, weights }: Plan = JSON.parse(stdout);
    expect(operators.find(({ name }) => name === "prob")).toMatchObject({
      precision: "float",
      label: "float",
      reason: "an operator that Bolt computes in float",
    });
    expect(weights.find(({ operator }) => operator === "conv2")).toMatchObject({
      type: "int8",
      reason: "its operator computes in int8",
    });
    expect(existsSync(at("newer_int8_q.bolt"))).toBe(false);
  });

  it("shows its help with exit code 0", () => {
    for (const word of ["--help", "-h", "-help"]) {
      const { status, stdout } = run(word);
      expect([status, stdout.includes("--as-bolt")]).toEqual([0, true]);
    }
  });
});
