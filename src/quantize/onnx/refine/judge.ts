import type { Sample } from "../../../data/dataset.ts";
import { memorySource } from "../../../io/bytes.ts";
import type { OnnxModel } from "../../../onnx/model.ts";
import { readOnnx } from "../../../onnx/read.ts";
import { fitInputs } from "../../../runtime/fit-inputs.ts";
import type { NamedTensors, Runtime } from "../../../runtime/runtime.ts";
import { TensorError } from "../../../runtime/tensor-error.ts";
import type { Plan } from "../../plan.ts";
import { applyPlan } from "../apply-plan.ts";
import { bytesOf } from "./partial-model.ts";

/** Says how near quantized models come to a float model, on examples that were not used to make them. */
export class Judge {
  readonly #runtime: Runtime;
  readonly #examples: readonly Sample[];
  readonly #expected: readonly NamedTensors[];

  private constructor(runtime: Runtime, examples: readonly Sample[], expected: readonly NamedTensors[]) {
    this.#runtime = runtime;
    this.#examples = examples;
    this.#expected = expected;
  }

  /** Runs the float model on the examples. */
  static async of(model: OnnxModel, examples: readonly Sample[], runtime: Runtime): Promise<Judge> {
    const expected = await outputsOf(await judgedBytes(model), examples, runtime);
    return new Judge(runtime, examples, expected);
  }

  /** Signal to noise in dB of the outputs of the model quantized as planned: the mean over outputs and examples. */
  async decibels(model: OnnxModel, plan: Plan): Promise<number> {
    const quantized = await readOnnx(memorySource(await bytesOf(model)));
    applyPlan(quantized, plan);
    const found = await outputsOf(await judgedBytes(quantized), this.#examples, this.#runtime);
    const decibels = found.flatMap((outputs, index) =>
      [...outputs].map(([name, tensor]) => {
        const error = new TensorError();
        error.add(this.#expected[index]!.get(name)!, tensor);
        return Math.min(error.summary().decibels, MOST_DECIBELS);
      }),
    );
    return decibels.reduce((sum, one) => sum + one, 0) / decibels.length;
  }
}

/** An output that is equal counts as this: a mean needs a number. */
const MOST_DECIBELS = 150;

/** A Softmax at the end says little of how near its inputs are: these are judged. */
async function judgedBytes(model: OnnxModel): Promise<Uint8Array> {
  const { graph } = model.main;
  const outputs = graph.outputs;
  graph.outputs = outputs.map((value) => (value.producer?.type === "Softmax" ? value.producer.input(0) : value));
  try {
    return await bytesOf(model);
  } finally {
    graph.outputs = outputs;
  }
}

async function outputsOf(bytes: Uint8Array, examples: readonly Sample[], runtime: Runtime): Promise<NamedTensors[]> {
  const session = await runtime.createSession(bytes, { placement: "direct", threads: 1 });
  const found: NamedTensors[] = [];
  try {
    for (const { inputs } of examples) found.push(await session.run(fitInputs(session.inputs, inputs)));
    return found;
  } finally {
    await session.close();
  }
}
