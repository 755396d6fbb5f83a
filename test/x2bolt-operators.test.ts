import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { BoltModel } from "../src/bolt/model.ts";
import { writeBolt } from "../src/bolt/write.ts";
import type { BoltPrecision } from "../src/convert/onnx-to-bolt/index.ts";
import { memorySource } from "../src/io/bytes.ts";
import { BoltqError } from "../src/io/error.ts";
import { memoryTarget } from "../src/io/target.ts";
import { readOnnx } from "../src/onnx/read.ts";
import { convertOnnxToBolt } from "../src/quantize/bolt/convert-to-bolt.ts";
import { loadRuntime } from "../src/runtime/load.ts";
import { largestDifference, readCase, runCase, storedOutput } from "./golden-case.ts";
import { describeWithShared, sharedPath } from "./shared.ts";

const CASES = sharedPath("golden", "bolt_ops");

const FILES: Readonly<Record<BoltPrecision, string>> = {
  FP32: "x2bolt_f32.bolt",
  FP16: "x2bolt_f16.bolt",
  PTQ: "ptq_input.bolt",
};

/** Cases that are refused as Bolt's tool alone would write them, by what the message names. */
const REFUSED_AS_BOLT: Readonly<Record<string, string>> = { "stated output shape": "deconv_output_shape" };

/** Cases that are refused where Bolt's tool is not followed: it refuses them too, or writes something else. */
const REFUSED_OTHERWISE: Readonly<Record<string, string>> = {
  BatchNorm: "batchnorm_short",
  "instead of 1 x 6 x 8": "splice tdnn",
};

/** The network's input has another shape: its Transpose is folded into it. */
const OTHER_INPUT = new Set(["transpose_021"]);

/** Cases that are converted, but whose numbers are not compared, by reason. */
const NOT_COMPARED: Readonly<Record<string, string>> = {
  "each run draws other numbers": "randomnormal_add randomnormallike_add randomuniform_add randomuniform_shape_add",
  "nothing runs an operator of that name": "noop",
};

/** Cases whose files have other bytes, by reason. A case that becomes equal is to be taken off. */
const OTHER_BYTES: Readonly<Record<string, string>> = {
  "Bolt evaluates shape operators of constants": "const_to_unsqueeze_reshape upsample_dynamic_pattern",
  "Bolt loses all operators": "constantofshape_add",
  "bytes that Bolt leaves uninitialised":
    "logic_or const_to_unsqueeze_reshape3 gridsample16_border_0 gridsample16_zeros_0",
};

/** As above, where the quantizer's input is equal. */
const OTHER_BYTES_BUT_PTQ: Readonly<Record<string, string>> = {
  "Bolt moves the cut of padded channels behind the pooling": "net_fire",
};

/** The entry of such tables that lists a case: what the message of a refused one names. */
function entryOf(name: string, ...tables: Readonly<Record<string, string>>[]): string | undefined {
  const entries = tables.flatMap((table) => Object.entries(table));
  return entries.find(([, cases]) => cases.split(" ").includes(name))?.[0];
}

function expectedOf(name: string, precision: BoltPrecision): string {
  const refused = entryOf(name, REFUSED_AS_BOLT);
  if (refused !== undefined) return `refused: ${refused}`;
  const tables = precision === "PTQ" ? [OTHER_BYTES] : [OTHER_BYTES, OTHER_BYTES_BUT_PTQ];
  return tables.some((table) => Object.values(table).join(" ").split(" ").includes(name)) ? "other bytes" : "equal";
}

async function convert(name: string, precision: BoltPrecision, asBolt: boolean): Promise<BoltModel> {
  const path = join(CASES, name, "case.onnx");
  const onnx = await readOnnx(memorySource(new Uint8Array(readFileSync(path)), path));
  return (await convertOnnxToBolt(onnx, { precision, name: "case", asBolt })).model;
}

async function bytesOf(model: BoltModel): Promise<Uint8Array> {
  const target = memoryTarget();
  await writeBolt(model, target);
  return target.result();
}

async function outcomeOf(name: string, precision: BoltPrecision, expected: string): Promise<string> {
  try {
    const bytes = await bytesOf(await convert(name, precision, true));
    const { masks = {} } = JSON.parse(readFileSync(join(CASES, name, "case.json"), "utf8"));
    for (const [offset, length] of masks[FILES[precision]] ?? []) bytes.fill(0, offset, offset + length);
    const golden = readFileSync(join(CASES, name, FILES[precision]));
    return golden.equals(bytes) ? "equal" : "other bytes";
  } catch (error) {
    if (!(error instanceof BoltqError)) throw error;
    const named = expected.startsWith("refused: ") && error.message.includes(expected.slice("refused: ".length));
    return named ? expected : error.message;
  }
}

describeWithShared("X2bolt --as-bolt against Bolt's own files, one small model an operator", () => {
  const precisions = Object.keys(FILES) as BoltPrecision[];
  const names = readdirSync(CASES).filter(
    (name) => existsSync(join(CASES, name, "case.onnx")) && existsSync(join(CASES, name, FILES.FP32)),
  );

  it.each(names)("%s", async (name) => {
    const expected = Object.fromEntries(precisions.map((precision) => [precision, expectedOf(name, precision)]));
    const outcomes: Record<string, string> = {};
    for (const precision of precisions) outcomes[precision] = await outcomeOf(name, precision, expected[precision]!);
    expect(outcomes).toEqual(expected);
  });
});

describeWithShared("X2bolt on one small model an operator", () => {
  const names = readdirSync(CASES).filter((name) => existsSync(join(CASES, name, "case.onnx")));

  it.each(names)("gives ONNX Runtime's numbers, or refuses: %s", async (name) => {
    const refused = entryOf(name, REFUSED_OTHERWISE);
    if (refused !== undefined) return expect(convert(name, "FP32", false)).rejects.toThrow(refused);
    const golden = readCase(CASES, name);
    const model = await convert(name, "FP32", false);
    if (OTHER_INPUT.has(name) || entryOf(name, NOT_COMPARED) !== undefined) return;
    const outputs = await runCase(model, golden, await loadRuntime());
    for (const output of golden.outputs) {
      // Operators that ONNX Runtime lacks were run in Bolt's engine alone.
      const reference = storedOutput(golden, output, "onnxruntime") ?? storedOutput(golden, output, "bolt_f32");
      expect(largestDifference(outputs.get(output["name"]!)!, reference)).toBeLessThan(1e-4);
    }
  });
});
