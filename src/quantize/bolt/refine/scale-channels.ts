import { floatBytes } from "../../../bolt/lazy-floats.ts";
import type { BoltModel } from "../../../bolt/model.ts";
import { raiseToOnnx } from "../../../convert/bolt-to-onnx/index.ts";
import { float32Of } from "../../../onnx/tensor-data.ts";
import { type ChannelScaling, scaleChannels } from "../../../transform/onnx/equalize-channels.ts";
import { raisedLayers } from "./raised-layers.ts";

/**
 * Scales the weights and biases of a float Bolt network's operators, by way of the raised one. Returns a function that undoes
 * it. Throws BoltqError `mismatch` where there is no such operator, or it has other channels.
 */
export async function scaleBoltChannels(model: BoltModel, scalings: readonly ChannelScaling[]): Promise<() => void> {
  if (scalings.length === 0) return () => {};
  const raised = await raiseToOnnx(model);
  const layers = raisedLayers(raised, model);
  const names = new Map(layers.map(({ node, record }) => [record.operator, node.name]));
  const inRaised = scalings.map((scaling) => ({
    ...scaling,
    operator: names.get(scaling.operator) ?? scaling.operator,
  }));
  await scaleChannels(raised, inRaised);
  const scaled = new Set(inRaised.map(({ operator }) => operator));
  const undo: (() => void)[] = [];
  for (const { node, record } of layers) {
    if (!scaled.has(node.name)) continue;
    const { weight, vector } = record;
    undo.push(() => Object.assign(record, { weight, vector }));
    record.weight = floatBytes(await float32Of(node.input(1).constant!));
    const bias = node.inputs[2]?.constant;
    if (bias !== undefined) record.vector = floatBytes(await float32Of(bias));
  }
  return () => {
    for (const step of undo) step();
  };
}
