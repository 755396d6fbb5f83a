import type { OnnxModel } from "../../onnx/model.ts";
import type { LayerClips } from "../scale-table.ts";
import { dataInputs } from "./operator-roles.ts";
import type { Placement } from "./placement.ts";
import { scaleGroups } from "./scale-groups.ts";

/** The clip values of every operator's quantized inputs and outputs, as a scale table has them; `clipOf` by value name. */
export function clipsOfRanges(
  model: OnnxModel,
  placement: Placement,
  clipOf: (name: string) => number | undefined,
): Map<string, LayerClips> {
  const { quantized, values, made } = placement;
  const leaders = new Map(
    scaleGroups(placement).flatMap(({ values, leader }) => values.map((value) => [value.name, leader.name])),
  );
  const layers = new Map<string, LayerClips>();
  for (const node of model.main.graph.nodes) {
    const operator = quantized.get(node);
    if (operator === undefined) continue;
    const clips = (names: readonly string[]) =>
      new Map(
        names.flatMap((name) => {
          const clip = clipOf(leaders.get(name) ?? name);
          return clip === undefined || clip === 0 ? [] : [[name, clip] as const];
        }),
      );
    const inputs = operator.role === "fused" ? [] : dataInputs(node).filter((value) => values.has(value));
    const outputs = node.outputs.filter((value) => made.has(value));
    const layer = {
      inputs: clips(inputs.map(({ name }) => name)),
      weights: new Map<string, number>(),
      outputs: clips(outputs.map(({ name }) => name)),
    };
    if (layer.inputs.size + layer.outputs.size > 0) layers.set(node.name, layer);
  }
  return layers;
}
