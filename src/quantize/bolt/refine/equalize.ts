import type { BoltModel } from "../../../bolt/model.ts";
import { type CollectOptions, collectObservations } from "../../../calibrate/collect.ts";
import { statisticsOf } from "../../../calibrate/observations.ts";
import type { Collected } from "../../../calibrate/statistics.ts";
import { raiseToOnnx } from "../../../convert/bolt-to-onnx/index.ts";
import type { Dataset } from "../../../data/dataset.ts";
import type { OnnxValue } from "../../../onnx/model.ts";
import {
  type EqualizeOptions,
  equalizeChannels,
  type ScaledChannels,
} from "../../../transform/onnx/equalize-channels.ts";
import { equalizeWeights } from "../../../transform/onnx/equalize-weights.ts";
import { raisedLayers } from "./raised-layers.ts";
import { scaleBoltChannels } from "./scale-channels.ts";

/** Largest magnitudes of the channels that a float network's layers read, by the value's name in the raised network. */
export type ChannelMagnitudes = ReadonlyMap<string, readonly number[]>;

export async function observeChannels(
  model: BoltModel,
  dataset: Dataset,
  options: CollectOptions,
): Promise<ChannelMagnitudes> {
  const raised = await raiseToOnnx(model);
  const read = raisedLayers(raised, model).map(({ node }): [string, Set<Collected>] => [
    node.input(0).name,
    new Set<Collected>(["channels"]),
  ]);
  const { values } = statisticsOf(await collectObservations(raised, new Map(read), dataset, options));
  return new Map([...values].map(([name, { channels }]) => [name, channels?.magnitudes ?? []]));
}

/** Channels are scaled until weights reach equally far, or activations do. */
export type EqualizedBy = "weights" | EqualizeOptions;

/**
 * Scales channels of a Bolt network (see `equalizeWeights` and `equalizeChannels`). Undefined where there is nothing to scale,
 * or where a weight that would change is only a part of its record.
 */
export async function equalizeBolt(
  model: BoltModel,
  magnitudes: ChannelMagnitudes,
  by: EqualizedBy,
): Promise<ScaledChannels | undefined> {
  const raised = await raiseToOnnx(model);
  const operators = new Map(raisedLayers(raised, model).map(({ node, record }) => [node.name, record.operator]));
  const magnitudesOf = ({ name }: OnnxValue) => magnitudes.get(name);
  const scaled = await (by === "weights"
    ? equalizeWeights(raised, magnitudesOf)
    : equalizeChannels(raised, magnitudesOf, by));
  if (scaled === undefined || !scaled.scalings.every(({ operator }) => operators.has(operator))) return undefined;
  const scalings = scaled.scalings.map((scaling) => ({ ...scaling, operator: operators.get(scaling.operator)! }));
  return { scalings, undo: await scaleBoltChannels(model, scalings) };
}
