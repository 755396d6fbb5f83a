import type { BoltModel, BoltValue } from "../../bolt/model.ts";
import type { Plan } from "../plan.ts";
import type { LayerClips } from "../scale-table.ts";
import { int8Operators, int8Tensors } from "./int8-tensors.ts";

/** The clip values of every int8 operator, as a scale table has them. Outputs that an operator between moves are left out. */
export function clipsOfInt8Tensors(
  model: BoltModel,
  plan: Plan,
  clipOf: (value: BoltValue) => number,
): Map<string, LayerClips> {
  const computing = new Set(int8Operators(model, plan));
  const layers = new Map(
    [...computing].map(({ name }) => [
      name,
      { inputs: new Map<string, number>(), weights: new Map(), outputs: new Map() },
    ]),
  );
  for (const { node, value, made, levels } of int8Tensors(model, plan)) {
    const layer = layers.get(node.name);
    const moved = made && !value.users.every((reader) => computing.has(reader));
    if (layer === undefined || moved) continue;
    (made ? layer.outputs : layer.inputs).set(value.name, clipOf(levels) || ALL_ZERO_CLIP);
  }
  return layers;
}

/** A tensor that was always zero gets the scale 1. */
export const ALL_ZERO_CLIP = 127;
