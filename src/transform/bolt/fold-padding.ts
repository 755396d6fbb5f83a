import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { onlyReader, retire } from "./pass.ts";

const SIDES = ["before", "after", "top", "bottom", "left", "right"] as const;

/** Padding with zeros goes into the convolution or mean pooling behind it (PadOptimizer). */
export async function foldPadding(model: BoltModel): Promise<boolean> {
  let changed = false;
  for (const pad of model.graph.nodes.slice(0, -1)) {
    if (pad.type !== "Pad" || !padsZeros(pad) || model.graph.outputs.includes(pad.output())) continue;
    const next = onlyReader(pad);
    const pooling = next?.type === "Pooling" && next.data.parameters.name("mode") === "MEAN";
    if (next === undefined || (!pooling && next.type !== "Conv")) continue;
    for (const side of SIDES) {
      next.data.parameters.set(
        `pad_${side}`,
        next.data.parameters.number(`pad_${side}`) + pad.data.parameters.number(side),
      );
    }
    if (pooling) next.data.parameters.set("count_include_pad", 1);
    retire(model, pad, true);
    changed = true;
  }
  return changed;
}

function padsZeros(pad: BoltNode): boolean {
  const { parameters } = pad.data;
  const channels = parameters.number("front") !== 0 || parameters.number("back") !== 0;
  return parameters.name("pad_mode") === "CONSTANT" && parameters.number("constant_value") === 0 && !channels;
}
