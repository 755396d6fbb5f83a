import type { CollectOptions } from "../../../calibrate/collect.ts";
import type { Dataset } from "../../../data/dataset.ts";
import { Value } from "../../../graph/graph.ts";
import type { DenseTensor } from "../../../graph/tensor.ts";
import { memoryTarget } from "../../../io/target.ts";
import type { OnnxModel, OnnxNode, OnnxNodeData, OnnxValue } from "../../../onnx/model.ts";
import { nodeData } from "../../../onnx/node-data.ts";
import { integerTensor } from "../../../onnx/tensor-data.ts";
import { writeOnnx } from "../../../onnx/write.ts";
import { fitInputs } from "../../../runtime/fit-inputs.ts";
import { loadRuntime } from "../../../runtime/load.ts";
import { FreshNames } from "../../../transform/onnx/fresh-names.ts";
import { addInitializer } from "../../../transform/onnx/initializers.ts";

/** Σ x·xᵀ over all rows x of a value, size × size. */
export type Gram = Float64Array;

/**
 * Runs the float model over examples and adds up, for each of the values (whose rows have `size` numbers), the products of every
 * two numbers of a row: ONNX Runtime multiplies, so that no activation leaves it. The model is as before when this returns.
 */
export function inputGrams(
  model: OnnxModel,
  values: ReadonlyMap<OnnxValue, number>,
  dataset: Dataset,
  options: CollectOptions,
): Promise<Map<OnnxValue, Gram>> {
  return sumsOverRows(model, values, dataset, options, {
    numbers: (size) => size * size,
    add: (rows, operator) => operator("MatMul", [operator("Transpose", [rows], { perm: [1, 0] }), rows]),
  });
}

/** As `inputGrams`, their diagonals alone: the sums of the squares of each channel. */
export function inputSquares(
  model: OnnxModel,
  values: ReadonlyMap<OnnxValue, number>,
  dataset: Dataset,
  options: CollectOptions,
): Promise<Map<OnnxValue, Float64Array>> {
  return sumsOverRows(model, values, dataset, options, {
    numbers: (size) => size,
    add: (rows, operator, axes) => operator("ReduceSum", [operator("Mul", [rows, rows]), axes], { keepdims: 0 }),
  });
}

type AddOperator = (
  type: string,
  inputs: readonly OnnxValue[],
  attributes?: Parameters<typeof nodeData>[0],
) => OnnxValue;

/** What is summed over the rows of a value. */
interface RowSum {
  /** How many sums there are for rows of `size` numbers. */
  readonly numbers: (size: number) => number;
  /** Puts the operators in that sum; `axes` holds the first axis. */
  readonly add: (rows: OnnxValue, operator: AddOperator, axes: OnnxValue) => OnnxValue;
}

async function sumsOverRows(
  model: OnnxModel,
  values: ReadonlyMap<OnnxValue, number>,
  dataset: Dataset,
  { runtime, onProgress, onSkip, signal }: CollectOptions,
  sum: RowSum,
): Promise<Map<OnnxValue, Float64Array>> {
  const { bytes, names } = await modelWithSums(model, values, sum);
  const session = await (runtime ?? (await loadRuntime())).createSession(bytes, { takeModel: true });
  const grams = new Map([...values].map(([value, size]) => [value, new Float64Array(sum.numbers(size))]));
  let examples = 0;
  try {
    for await (const { inputs } of dataset.samples(onSkip)) {
      signal?.throwIfAborted();
      const results = await session.run(fitInputs(session.inputs, inputs), [...names.keys()]);
      for (const [name, value] of names) add(grams.get(value)!, results.get(name)!);
      onProgress?.(++examples);
    }
  } finally {
    await session.close();
  }
  return grams;
}

function add(sums: Gram, { data }: DenseTensor): void {
  const products = new Float32Array(data.buffer, data.byteOffset, sums.length);
  for (let place = 0; place < sums.length; place++) sums[place]! += products[place]!;
}

async function modelWithSums(
  model: OnnxModel,
  values: ReadonlyMap<OnnxValue, number>,
  sum: RowSum,
): Promise<{ bytes: Uint8Array; names: Map<string, OnnxValue> }> {
  const { main } = model;
  const { graph } = main;
  const fresh = new FreshNames(model);
  const [outputs, initializers] = [graph.outputs, [...main.initializers]];
  const added: OnnxNode[] = [];
  const operator: AddOperator = (type, inputs, attributes = {}) => {
    const name = fresh.next("sum");
    const output = new Value<OnnxNodeData>(name, { type: { type: "float32", shape: undefined } });
    added.push(graph.append({ name, type, inputs, outputs: [output], data: nodeData(attributes) }));
    return output;
  };
  const names = new Map<string, OnnxValue>();
  const axes = addInitializer(model, fresh.next("sum/axes"), integerTensor([1], [0]));
  for (const [value, size] of values) {
    const shape = addInitializer(model, fresh.next("sum/shape"), integerTensor([2], [-1, size]));
    names.set(sum.add(operator("Reshape", [value, shape]), operator, axes).name, value);
  }
  const sums = added.map((node) => node.output()).filter(({ name }) => names.has(name));
  const target = memoryTarget(graph.name);
  try {
    graph.outputs = [...outputs, ...sums];
    await writeOnnx(model, target);
  } finally {
    graph.outputs = outputs;
    main.initializers = initializers;
    for (const node of added.reverse()) graph.remove(node);
  }
  return { bytes: target.result(), names };
}
