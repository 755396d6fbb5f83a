import { floatBytes } from "../../../bolt/lazy-floats.ts";
import type { BoltModel } from "../../../bolt/model.ts";
import { type CollectOptions, collectObservations } from "../../../calibrate/collect.ts";
import { statisticsOf } from "../../../calibrate/observations.ts";
import type { Collected } from "../../../calibrate/statistics.ts";
import { raiseToOnnx } from "../../../convert/bolt-to-onnx/index.ts";
import type { Dataset } from "../../../data/dataset.ts";
import { float32Of } from "../../../onnx/tensor-data.ts";
import { type EqualizeOptions, equalizeChannels } from "../../../transform/onnx/equalize-channels.ts";
import { raisedLayers } from "./raised-layers.ts";

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

/**
 * Scales channels of a Bolt network (see `equalizeChannels`), by way of the raised one. Returns what undoes it; undefined where
 * there is nothing to scale, or where a weight that would change is only a part of its record.
 */
export async function equalizeBolt(
  model: BoltModel,
  magnitudes: ChannelMagnitudes,
  options: EqualizeOptions,
): Promise<(() => void) | undefined> {
  const raised = await raiseToOnnx(model);
  const whole = new Set(raisedLayers(raised, model).map(({ node }) => node));
  const before = new Map(
    raised.main.graph.nodes.flatMap(({ inputs }) =>
      inputs.flatMap((value) => (value ? [[value, value.constant]] : [])),
    ),
  );
  const changed = (node: (typeof raised.main.graph.nodes)[number]) =>
    node.inputs.some((value) => value !== undefined && value.constant !== before.get(value));
  if ((await equalizeChannels(raised, ({ name }) => magnitudes.get(name), options)) === undefined) return undefined;
  if (raised.main.graph.nodes.some((node) => changed(node) && !whole.has(node))) return undefined;
  const undo: (() => void)[] = [];
  for (const { node, record } of raisedLayers(raised, model).filter(({ node }) => changed(node))) {
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
