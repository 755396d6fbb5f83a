import type { BoltModel } from "../../bolt/model.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import type { ConvertedInput } from "./converted-input.ts";

/** Bolt's mark for a dimension that is not known before the network runs. */
export const OPEN_SIZE = 11;

/** What such dimensions are where the network is looked at or run: networks halve and double maps. */
const MADE_UP_SIZE = 64;

/** A converted model with sizes made up for those that its source leaves open; the model itself where there are none. */
export function withMadeUpSizes(
  model: BoltModel,
  inputs: readonly ConvertedInput[],
  { main: { graph } }: OnnxModel,
): BoltModel {
  const stated = new Map(graph.inputs.map(({ name, type }) => [name, type?.shape ?? []]));
  let isOpen = false;
  const inputDescriptions = model.inputDescriptions.map((description, index) => {
    const { source, axes } = inputs[index]!;
    const sizes = stated.get(source) ?? [];
    const rank = description.dimensions.length;
    const dimensions = description.dimensions.map((size, place) => {
      const axis = rank - 1 - place;
      if (size !== OPEN_SIZE || sizes.length !== rank || typeof sizes[axes?.[axis] ?? axis] === "number") return size;
      isOpen = true;
      return MADE_UP_SIZE;
    });
    return { ...description, dimensions };
  });
  return isOpen ? { ...model, inputDescriptions } : model;
}
