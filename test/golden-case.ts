import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { BoltModel } from "../src/bolt/model.ts";
import { readBolt } from "../src/bolt/read.ts";
import type { Model } from "../src/convert/model-format.ts";
import { openSession } from "../src/evaluate/open-session.ts";
import { denseTensor, denseValues } from "../src/graph/dense-values.ts";
import type { DenseTensor, ElementType } from "../src/graph/tensor.ts";
import { memorySource } from "../src/io/bytes.ts";
import { fitInputs } from "../src/runtime/fit-inputs.ts";
import type { Runtime } from "../src/runtime/runtime.ts";

/** One folder of golden/bolt_ops or golden/bolt_models, as its case.json or model.json tells. */
export interface GoldenCase {
  readonly name: string;
  readonly folder: string;
  readonly inputs: readonly { readonly name: string; readonly file: string }[];
  readonly outputs: readonly Readonly<Record<string, string | null>>[];
  /** The arrays of the reference are channels-last; Bolt's are not. */
  readonly channelsLast: boolean;
  readonly notRepeatable: readonly string[];
  readonly plausibleInt8: boolean;
}

export function readCase(root: string, name: string, file = "case.json"): GoldenCase {
  const folder = join(root, name);
  const facts = JSON.parse(readFileSync(join(folder, file), "utf8"));
  return {
    name,
    folder,
    inputs: facts.inputs ?? [],
    outputs: facts.outputs ?? [],
    channelsLast: facts.tflite_ops !== undefined || name.endsWith("_tflite"),
    notRepeatable: facts.engine_outputs_not_repeatable ?? [],
    plausibleInt8: facts.bolt_int8_output_plausible === true,
  };
}

export async function readBoltFile(path: string): Promise<BoltModel> {
  return readBolt(memorySource(new Uint8Array(readFileSync(path)), path));
}

/** Runs a model on the inputs of a case. */
export async function runCase(
  model: Model,
  { folder, inputs, channelsLast }: GoldenCase,
  runtime: Runtime,
): Promise<Map<string, DenseTensor>> {
  const session = await openSession(model, { runtime, placement: "direct" });
  try {
    // X2bolt drops the second input of Max and Min of two.
    const kept = inputs.filter(({ name }) => session.inputs.some((input) => input.name === name));
    const feeds = new Map(
      (kept.length > 0 ? kept : inputs).map(
        ({ name, file }) => [name, channelsFirst(readArray(join(folder, file)), channelsLast)] as const,
      ),
    );
    return await session.run(fitInputs(session.inputs, feeds));
  } finally {
    await session.close();
  }
}

/** The stored array for an output, in Bolt's order; undefined where there is none. */
export function storedOutput(
  golden: GoldenCase,
  output: Readonly<Record<string, string | null>>,
  key: string,
): DenseTensor | undefined {
  const file = output[key];
  if (typeof file !== "string" || !existsSync(join(golden.folder, file))) return undefined;
  return channelsFirst(readArray(join(golden.folder, file)), golden.channelsLast && key === "tflite");
}

/** Largest difference as a share of the expected range; infinite for other sizes. */
export function largestDifference(actual: DenseTensor, expected: DenseTensor | undefined): number {
  if (expected === undefined) return Number.POSITIVE_INFINITY;
  const [values, wanted] = [denseValues(actual), denseValues(expected)];
  if (values.length !== wanted.length) return Number.POSITIVE_INFINITY;
  let [largest, low, high] = [0, 0, 0];
  for (let index = 0; index < wanted.length; index++) {
    const [value, want] = [values[index]!, wanted[index]!];
    if (value !== want && !(Number.isNaN(value) && Number.isNaN(want)))
      largest = Math.max(largest, Math.abs(value - want));
    low = Math.min(low, want);
    high = Math.max(high, want);
  }
  return high === low ? largest : largest / (high - low);
}

const NUMPY_TYPES: Readonly<Record<string, ElementType>> = {
  "<f4": "float32",
  "<f8": "float64",
  "<i4": "int32",
  "<i8": "int64",
  "<u4": "uint32",
  "|u1": "uint8",
  "|i1": "int8",
  "|b1": "bool",
};

/** A stored array. */
export function readArray(path: string): DenseTensor {
  const file = readFileSync(path);
  const end = 10 + file.readUInt16LE(8);
  const header = file.toString("latin1", 10, end);
  const type = NUMPY_TYPES[/'descr': '([^']+)'/.exec(header)![1]!]!;
  const shape = [.../'shape': \(([^)]*)\)/.exec(header)![1]!.matchAll(/\d+/g)].map(Number);
  return { type, shape, data: new Uint8Array(file.subarray(end)) };
}

function channelsFirst(tensor: DenseTensor, channelsLast: boolean): DenseTensor {
  if (!channelsLast || tensor.shape.length !== 4) return tensor;
  const [n, h, w, c] = tensor.shape as [number, number, number, number];
  const values = denseValues(tensor);
  const turned = new Float64Array(values.length);
  for (let index = 0; index < values.length; index++) {
    const channel = index % c;
    const place = Math.floor(index / c) % (h * w);
    const image = Math.floor(index / (c * h * w));
    turned[(image * c + channel) * h * w + place] = values[index]!;
  }
  return denseTensor(tensor.type, [n, c, h, w], turned);
}
