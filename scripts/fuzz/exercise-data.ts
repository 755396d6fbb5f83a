import { findRange, METHOD_NEEDS } from "../../src/calibrate/find-range.ts";
import { mergeObservations, statisticsOf } from "../../src/calibrate/observations.ts";
import { parseObservations, printObservations } from "../../src/calibrate/observations-file.ts";
import type { RangeMethod } from "../../src/calibrate/range.ts";
import { fitInput, fitPicture, pictureSize } from "../../src/data/fit-input.ts";
import { decodeImage } from "../../src/data/image/node/decoders.ts";
import { parseLabels } from "../../src/data/labels.ts";
import { parseFields, valuesOfFields } from "../../src/data/list-line.ts";
import { readNpy } from "../../src/data/npy.ts";
import { readNpz } from "../../src/data/npz.ts";
import { preprocess } from "../../src/data/preprocess/preprocess.ts";
import { PRESETS, parsePreprocessing } from "../../src/data/preprocess/specification.ts";
import type { DenseTensor, ElementType } from "../../src/graph/tensor.ts";
import { memorySource } from "../../src/io/bytes.ts";
import type { Signature } from "../../src/onnx/model.ts";
import { parseRecipe } from "../../src/quantize/parse-recipe.ts";
import { parseScaleTable } from "../../src/quantize/parse-scale-table.ts";
import { printScaleTable } from "../../src/quantize/scale-table.ts";
import type { Step } from "./exercise.ts";
import type { Random } from "./random.ts";

/** Larger arrays are left alone: a data set reads them piece by piece. */
const MOST_ARRAY_BYTES = 1 << 24;

export async function exerciseArray(bytes: Uint8Array, random: Random, step: Step): Promise<void> {
  const tensor = await step("npy", () => readNpy(memorySource(bytes, "fuzzed.npy")));
  if (tensor !== undefined) await step("fit", async () => fitInput(tensor, madeInput(random), "fuzzed.npy"));
}

export async function exerciseArchive(bytes: Uint8Array, random: Random, step: Step): Promise<void> {
  const entries = await step("npz", () => readNpz(memorySource(bytes, "fuzzed.npz")));
  for (const entry of entries?.slice(0, 3) ?? []) {
    const source = await step("entry", () => entry.open());
    if (source !== undefined && source.length <= MOST_ARRAY_BYTES)
      await exerciseArray(await source.read().catch(() => new Uint8Array(0)), random, step);
  }
}

export async function exercisePicture(bytes: Uint8Array, random: Random, step: Step): Promise<void> {
  const image = await step("decode", () => decodeImage(bytes, "fuzzed"));
  if (image === undefined) return;
  await step("preprocess", async () => {
    const how = PRESETS[random.pick(Object.keys(PRESETS))]!;
    const input = madeInput(random);
    return fitPicture(preprocess(image, how, pictureSize(input, how)), input, "fuzzed");
  });
}

export async function exerciseJson(bytes: Uint8Array, _: Random, step: Step): Promise<void> {
  const text = new TextDecoder().decode(bytes);
  const input: Signature = { name: "x", type: { type: "float32", shape: [1, 4] } };
  await step("table", async () => {
    const table = parseScaleTable(text, "fuzzed.json");
    if (table.kind === "static") printScaleTable(table.layers);
  });
  await step("table of Bolt", async () => parseScaleTable(text, "fuzzed.json", { lenient: true }));
  await step("recipe", async () => parseRecipe(text, "fuzzed.json"));
  await step("preprocessing", async () => parsePreprocessing(text, "fuzzed.json"));
  await step("labels", async () => parseLabels(text, "fuzzed.txt"));
  await step("list", async () => {
    const value = valuesOfFields(parseFields(text, "fuzzed.jsonl"), [input], "fuzzed.jsonl").get("x")!;
    return typeof value === "string" ? value : fitInput(value as DenseTensor, input, "fuzzed.jsonl");
  });
  const observations = await step("statistics", async () => parseObservations(text, "fuzzed.json"));
  if (observations === undefined) return;
  await step("print", async () => printObservations(observations));
  await step("merge", async () => mergeObservations([observations, observations]));
  for (const [, seen] of statisticsOf(observations).values) {
    for (const method of Object.keys(METHOD_NEEDS) as RangeMethod[])
      await step(`range by ${method}`, async () => findRange(seen, method));
  }
}

/** An input that a network may have. */
function madeInput(random: Random): Signature {
  const type: ElementType = random.pick(["float32", "uint8", "int64"]);
  const shape = random.pick([
    [1, 3, 8, 8],
    [1, 8, 8, 3],
    [1, 3, 0, 8],
    ["n", 4],
    [2, 4],
    [1, 1, 16, 16],
  ]);
  return { name: "x", type: { type, shape } };
}
