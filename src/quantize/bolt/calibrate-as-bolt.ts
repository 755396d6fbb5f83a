import { type Label, scalesOf } from "../../bolt/label.ts";
import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { BoltHistogram, boltBatchSize } from "../../calibrate/bolt-histogram.ts";
import type { CollectOptions } from "../../calibrate/collect.ts";
import { raisedNames, raiseToOnnx } from "../../convert/bolt-to-onnx/index.ts";
import type { Dataset, Sample } from "../../data/dataset.ts";
import { denseValues } from "../../graph/dense-values.ts";
import { BoltqError } from "../../io/error.ts";
import { memoryTarget } from "../../io/target.ts";
import { writeOnnx } from "../../onnx/write.ts";
import { fitInputs } from "../../runtime/fit-inputs.ts";
import { loadRuntime } from "../../runtime/load.ts";
import type { Session } from "../../runtime/runtime.ts";
import { liveNodes } from "../../transform/bolt/pass.ts";
import type { Plan } from "../plan.ts";
import { applyBoltPlan } from "./apply-plan.ts";
import { planBolt } from "./plan-bolt.ts";
import { prepareBolt } from "./prepare.ts";
import { type QuantizeBoltOptions, type QuantizedBolt, suffixOf } from "./quantize.ts";

/** Operators that Bolt calibrates. */
const CALIBRATED: ReadonlySet<string> = new Set(["Conv", "FC", "MatMul"]);

/**
 * Quantizes and calibrates as Bolt 1.3.0's tool does, what is wrong with it included: only int8 outputs of Conv, FC and
 * MatMul get a scale. `model` is used up. Throws BoltqError `unsupported` where Bolt's tool fails.
 */
export async function calibrateAsBolt(
  model: BoltModel,
  dataset: Dataset,
  options: QuantizeBoltOptions & CollectOptions,
): Promise<QuantizedBolt> {
  const { inference = "INT8_FP16", storage = "NOQUANT" } = options;
  if (inference !== "INT8_FP32" || storage !== "NOQUANT") {
    throw boltFails("Bolt's tool calibrates with -i INT8_FP32 and -q NOQUANT only");
  }
  const prepared = await prepareBolt(model, { ...options, asBolt: true });
  const plan = await planBolt(prepared, { ...options, asBolt: true });
  const nodes = calibratedNodes(model, plan);
  const outputs = nodes.filter((node) => isCalibratedOutput(node, model, plan));
  const scales = outputs.length === 0 ? [] : await outputScales(model, outputs, dataset, options);
  await applyBoltPlan(prepared, plan, options);
  const known = new Map(outputs.map((node, index) => [node.output().name, scales[index]!]));
  for (const node of outputs) {
    node.data.scales = scalesOf([...node.inputs, node.output()].map((value) => known.get(value?.name ?? "") ?? "int8"));
  }
  model.dataType = "F32_8Q";
  return { model, suffix: suffixOf(model, plan), plan };
}

/** In file order. The search that finds operator 0 takes it for the end of the search. */
function calibratedNodes(model: BoltModel, plan: Plan): BoltNode[] {
  const found = liveNodes(model).filter(({ type }) => CALIBRATED.has(type));
  if (found[0] !== undefined && found[0] === liveNodes(model)[0]) return [];
  const float = found.find((node) => labelOf(node, model, plan) === "float");
  if (float !== undefined) {
    throw boltFails(`Bolt's tool crashes on "${float.name}" (${float.type}), which is not quantized`);
  }
  return found;
}

function isCalibratedOutput(node: BoltNode, model: BoltModel, plan: Plan): boolean {
  if (labelOf(node, model, plan) !== "int8") return false;
  const { name } = node.output();
  return !liveNodes(model).some(
    (later) => later.order > node.order && later.type === "Relu" && later.inputs[0]?.name === name,
  );
}

function labelOf(node: BoltNode, model: BoltModel, { operators }: Plan): Label | undefined {
  return operators[liveNodes(model).indexOf(node)]?.label;
}

/** Scales of the outputs in the float network, which is run twice on each batch of examples. */
async function outputScales(
  model: BoltModel,
  nodes: readonly BoltNode[],
  dataset: Dataset,
  { runtime, name, onProgress }: CollectOptions,
): Promise<number[]> {
  const valueNames = raisedNames(model);
  const names = nodes.map((node) => valueNames.get(node.output())!);
  const onnx = await raiseToOnnx(model, { layers: true });
  const known = new Map(onnx.main.graph.nodes.flatMap(({ outputs }) => outputs.map((value) => [value.name, value])));
  onnx.main.graph.outputs = names.map((output) => known.get(output)!);
  const target = memoryTarget();
  await writeOnnx(onnx, target);
  const session = await (runtime ?? (await loadRuntime())).createSession(target.result(), { name });
  try {
    return await histogramScales(session, names, dataset, onProgress);
  } finally {
    await session.close();
  }
}

async function histogramScales(
  session: Session,
  names: readonly string[],
  dataset: Dataset,
  onProgress: CollectOptions["onProgress"],
): Promise<number[]> {
  const histograms = names.map(() => new BoltHistogram());
  const sizes = names.map(() => 1);
  const examples = await allExamples(dataset);
  const observe = async (
    places: readonly number[],
    range: readonly Sample[],
    visit: (place: number, values: Float32Array) => void,
  ) => {
    for (const { inputs } of range) {
      const outputs = await session.run(
        fitInputs(session.inputs, inputs),
        places.map((place) => names[place]!),
      );
      for (const place of places) visit(place, Float32Array.from(denseValues(outputs.get(names[place]!)!)));
    }
  };
  const all = names.map((_, place) => place);
  await observe(all, examples.slice(0, 1), (place, values) => {
    sizes[place] = values.length;
  });
  for (const size of new Set(sizes.map(boltBatchSize))) {
    const places = all.filter((place) => boltBatchSize(sizes[place]!) === size);
    for (let start = 0; start < examples.length; start += size) {
      const batch = examples.slice(start, start + size);
      await observe(places, batch, (place, values) => histograms[place]!.reach(values));
      for (const place of places) histograms[place]!.settle();
      await observe(places, batch, (place, values) => histograms[place]!.add(values, batch.length));
      onProgress?.(Math.min(start + size, examples.length));
    }
  }
  return histograms.map((histogram) => histogram.scale());
}

/** Bolt keeps all inputs in memory. */
async function allExamples(dataset: Dataset): Promise<Sample[]> {
  const examples: Sample[] = [];
  for await (const example of dataset.samples((name, reason) => {
    throw new BoltqError("invalid-data", `Bolt's tool stops at what it cannot read: ${reason}`, { file: name });
  })) {
    examples.push(example);
  }
  if (examples.length > 0) return examples;
  throw new BoltqError("invalid-data", "there is no example to calibrate with");
}

function boltFails(problem: string): BoltqError {
  return new BoltqError("unsupported", problem, { remedy: "Leave out --as-bolt" });
}
