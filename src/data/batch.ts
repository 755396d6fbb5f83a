import { type DenseTensor, shapeText } from "../graph/tensor.ts";
import { BoltqError } from "../io/error.ts";
import type { Signature } from "../onnx/model.ts";
import type { Sample } from "./dataset.ts";

/** How many examples a model takes at a time: the fixed first dimension that all its inputs share; 1 where there is none. */
export function batchSize(inputs: readonly Signature[]): number {
  const sizes = inputs.map(({ type }) =>
    type?.shape !== undefined && type.shape.length > 1 ? type.shape[0] : undefined,
  );
  const [first] = sizes;
  return typeof first === "number" && first > 1 && sizes.every((size) => size === first) ? first : 1;
}

/** The input as it would be if the model took one example at a time. */
export function ofOneExample({ name, type }: Signature): Signature {
  if (type?.shape === undefined) return { name, type };
  return { name, type: { ...type, shape: [1, ...type.shape.slice(1)] } };
}

/** Examples one behind the other, along the first dimension. They have the same inputs. Throws `mismatch` when their shapes differ. */
export function joinExamples(examples: readonly Sample["inputs"][]): Sample["inputs"] {
  const [first] = examples;
  if (first === undefined || examples.length === 1) return first ?? new Map();
  return new Map([...first.keys()].map((name) => [name, joined(examples.map((example) => example.get(name)!))]));
}

function joined(parts: readonly DenseTensor[]): DenseTensor {
  const { type, shape } = parts[0]!;
  const other = parts.find((part) => `${part.shape}` !== `${shape}`);
  if (other !== undefined) {
    throw new BoltqError("mismatch", `examples of ${shapeText(shape)} and ${shapeText(other.shape)} make no batch`, {
      remedy: "Give examples of one shape, or a model whose batch is 1",
    });
  }
  const data = new Uint8Array(parts.reduce((total, part) => total + part.data.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  return { type, shape: [parts.length * shape[0]!, ...shape.slice(1)], data };
}
