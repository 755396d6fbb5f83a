import type { Sample } from "../../data/dataset.ts";
import type { DenseTensor } from "../../graph/tensor.ts";
import type { OnnxModel, OnnxValue } from "../../onnx/model.ts";
import { fitInputs } from "../../runtime/fit-inputs.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { TensorError } from "../../runtime/tensor-error.ts";
import { bytesOf } from "./partial-model.ts";

/** Says how near quantized models come to a float model, on examples that were not used to make them. */
export class Judge {
  readonly #runtime: Runtime;
  readonly #examples: readonly Sample[];
  readonly #expected: readonly (readonly DenseTensor[])[];

  private constructor(runtime: Runtime, examples: readonly Sample[], expected: readonly (readonly DenseTensor[])[]) {
    this.#runtime = runtime;
    this.#examples = examples;
    this.#expected = expected;
  }

  /** Runs the float model on the examples. */
  static async of(model: OnnxModel, examples: readonly Sample[], runtime: Runtime): Promise<Judge> {
    const expected = await outputsOf(await judgedBytes(model), examples, runtime);
    return new Judge(runtime, examples, expected);
  }

  /** Signal to noise in dB of the outputs of a quantized model over all examples: the mean over the outputs. */
  async decibels(quantized: OnnxModel): Promise<number> {
    const found = await outputsOf(await judgedBytes(quantized), this.#examples, this.#runtime);
    // One error for all examples: a mean of theirs would be that of the one that happens to be nearest.
    const errors = quantized.main.graph.outputs.map((_, output) => {
      const error = new TensorError();
      for (const [example, expected] of this.#expected.entries())
        error.add(expected[output]!, found[example]![output]!);
      return error;
    });
    const decibels = errors.map((error) => Math.min(error.summary().decibels, MOST_DECIBELS));
    return decibels.reduce((sum, one) => sum + one, 0) / decibels.length;
  }
}

/** An output that is equal counts as this: a mean needs a number. */
const MOST_DECIBELS = 150;

async function judgedBytes(model: OnnxModel): Promise<Uint8Array> {
  const { graph } = model.main;
  const outputs = graph.outputs;
  graph.outputs = outputs.map(beforeSoftmax);
  try {
    return await bytesOf(model);
  } finally {
    graph.outputs = outputs;
  }
}

/** What may stand between a Softmax and an output of the network without changing a number. */
const HANDED_ON: ReadonlySet<string> = new Set([
  "Identity",
  "Reshape",
  "Flatten",
  "Squeeze",
  "Unsqueeze",
  "Transpose",
  "Cast",
  "QuantizeLinear",
  "DequantizeLinear",
]);

/** A Softmax at the end says little of how near its inputs are: these are judged. */
export function beforeSoftmax(output: OnnxValue): OnnxValue {
  let node = output.producer;
  while (node !== undefined && HANDED_ON.has(node.type)) node = node.input(0).producer;
  return node?.type === "Softmax" ? node.input(0) : output;
}

/** By example, in the model's order. */
async function outputsOf(bytes: Uint8Array, examples: readonly Sample[], runtime: Runtime): Promise<DenseTensor[][]> {
  const session = await runtime.createSession(bytes, { placement: "direct", threads: 1 });
  const found: DenseTensor[][] = [];
  try {
    for (const { inputs } of examples) {
      const outputs = await session.run(fitInputs(session.inputs, inputs));
      found.push(session.outputs.map(({ name }) => outputs.get(name)!));
    }
    return found;
  } finally {
    await session.close();
  }
}
