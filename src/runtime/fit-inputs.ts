import { denseTensor, denseValues } from "../graph/dense-values.ts";
import { type DenseTensor, fittedShape } from "../graph/tensor.ts";
import { BoltqError } from "../io/error.ts";
import type { Signature } from "../onnx/model.ts";
import type { NamedTensors } from "./runtime.ts";

/**
 * Tensors as the inputs of a model want them: matched by name, or by place where no name matches; element types
 * converted; leading dimensions of 1 added or dropped. Throws BoltqError `invalid-data` when one is missing or left over.
 */
export function fitInputs(inputs: readonly Signature[], given: NamedTensors): Map<string, DenseTensor> {
  const byPlace = [...given.values()];
  const named = inputs.some(({ name }) => given.has(name));
  if (!named && byPlace.length !== inputs.length) {
    throw new BoltqError("invalid-data", `the model has ${inputs.length} inputs, but ${byPlace.length} are given`, {
      remedy: `Give ${inputs.map(({ name }) => name).join(", ")}`,
    });
  }
  const stranger = named ? [...given.keys()].find((name) => !inputs.some((input) => input.name === name)) : undefined;
  if (stranger !== undefined) {
    throw new BoltqError("invalid-data", `the model has no input "${stranger}"`, {
      remedy: `It has ${inputs.map(({ name }) => name).join(", ")}`,
    });
  }
  return new Map(
    inputs.flatMap((input, index) => {
      const tensor = named ? given.get(input.name) : byPlace[index];
      return tensor === undefined ? [] : [[input.name, fitted(tensor, input)] as const];
    }),
  );
}

function fitted(tensor: DenseTensor, { type }: Signature): DenseTensor {
  if (type === undefined) return tensor;
  const shape = fittedShape(tensor.shape, type.shape?.length);
  if (tensor.type === type.type) return { ...tensor, shape };
  return denseTensor(type.type, shape, denseValues(tensor));
}
