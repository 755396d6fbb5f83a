import { type Dimension, shapeText } from "../graph/tensor.ts";
import { BoltqError } from "../io/error.ts";
import type { Signature } from "../onnx/model.ts";
import type { NamedTensors } from "./runtime.ts";

/** Throws BoltqError `invalid-data` unless `feeds` has every input, no other, and each with the right type and shape. */
export function checkFeeds(feeds: NamedTensors, inputs: readonly Signature[], model: string): void {
  const known = new Set(inputs.map(({ name }) => name));
  for (const name of feeds.keys()) if (!known.has(name)) fail(model, `there is no input "${name}"`, inputs);
  for (const { name, type } of inputs) {
    const feed = feeds.get(name);
    if (feed === undefined) fail(model, `the input "${name}" is missing`, inputs);
    if (type === undefined) continue;
    if (feed.type !== type.type) fail(model, `the input "${name}" is ${type.type}, but ${feed.type} is given`, inputs);
    if (type.shape !== undefined && !fits(feed.shape, type.shape)) {
      fail(
        model,
        `the input "${name}" has the shape ${shapeText(type.shape)}, but ${shapeText(feed.shape)} is given`,
        inputs,
      );
    }
  }
}

function fits(shape: readonly number[], wanted: readonly Dimension[]): boolean {
  return (
    shape.length === wanted.length && wanted.every((size, axis) => typeof size !== "number" || size === shape[axis])
  );
}

function fail(model: string, problem: string, inputs: readonly Signature[]): never {
  const wanted = inputs.map(({ name, type }) => `${name} (${type?.type} ${shapeText(type?.shape ?? [])})`).join(", ");
  throw new BoltqError("invalid-data", problem, { file: model, remedy: `The model takes ${wanted}` });
}
