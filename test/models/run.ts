import type { Model } from "../../src/convert/model-file.ts";
import { openSession } from "../../src/evaluate/open-session.ts";
import { denseTensor, denseValues } from "../../src/graph/dense-values.ts";
import type { DenseTensor } from "../../src/graph/tensor.ts";
import type { Signature } from "../../src/onnx/model.ts";
import { normalInput } from "./values.ts";

/** What a model gives: the shape and numbers of each output, in the graph's order. */
export interface Outputs {
  readonly names: readonly string[];
  readonly shapes: readonly (readonly number[])[];
  readonly values: readonly (readonly number[])[];
}

/**
 * Runs a model with ONNX Runtime, on the inputs given by name, or normally distributed numbers (small whole ones for
 * integers) where none are given.
 */
export async function outputsOf(
  model: Model,
  given: Readonly<Record<string, DenseTensor | readonly number[]>> = {},
): Promise<Outputs> {
  const session = await openSession(model, { placement: "direct" });
  try {
    const inputs = session.inputs.map(
      (input, index) => [input.name, inputFor(input, given[input.name], index)] as const,
    );
    const outputs = [...(await session.run(new Map(inputs))).entries()];
    return {
      names: outputs.map(([name]) => name),
      shapes: outputs.map(([, { shape }]) => shape),
      values: outputs.map(([, tensor]) => Array.from(denseValues(tensor))),
    };
  } finally {
    await session.close();
  }
}

/** The largest difference between two runs; infinite where names, shapes or the number of outputs differ, or one alone is NaN. */
export function largestDifference(one: Outputs, other: Outputs): number {
  if (JSON.stringify([one.names, one.shapes]) !== JSON.stringify([other.names, other.shapes]))
    return Number.POSITIVE_INFINITY;
  let largest = 0;
  one.values.forEach((values, output) => {
    values.forEach((value, index) => {
      const counterpart = other.values[output]![index]!;
      const gap = Object.is(value, counterpart) ? 0 : Math.abs(value - counterpart);
      largest = Number.isNaN(gap) ? Number.POSITIVE_INFINITY : Math.max(largest, gap);
    });
  });
  return largest;
}

function inputFor({ type }: Signature, given: DenseTensor | readonly number[] | undefined, index: number): DenseTensor {
  if (given !== undefined && "data" in given) return given;
  const shape = (type?.shape ?? []).map((size) => (typeof size === "number" ? size : 1));
  if (given !== undefined) return denseTensor(type?.type ?? "float32", shape, given);
  const normal = normalInput(shape, index + 7);
  if (type === undefined || type.type === "float32") return normal;
  const whole = Array.from(denseValues(normal), (value) => Math.abs(Math.round(value * 2)));
  return denseTensor(
    type.type,
    shape,
    whole.map((value) => (type.type === "bool" ? value & 1 : value)),
  );
}
