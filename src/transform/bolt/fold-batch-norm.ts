import { changedFloats, floatBytes, floatsOf } from "../../bolt/lazy-floats.ts";
import type { BoltModel, BoltNode, BoltWeight } from "../../bolt/model.ts";
import { onlyReader, type PassOptions, retire } from "./pass.ts";

/**
 * Folds a BatchNorm into the convolution or FC before it: weight / std, (bias - gama * mean) / std, where std is
 * sqrt(gama * variance + eps), each step rounded to float32 (WeightBNOptimizer).
 */
export async function foldBatchNorm(model: BoltModel, { asBolt }: PassOptions): Promise<boolean> {
  let changed = false;
  for (const node of model.graph.nodes) {
    if (!takesFactors(node)) continue;
    const norm = onlyReader(node);
    if (norm?.type !== "BatchNorm" || (!asBolt && model.graph.outputs.includes(node.output()))) continue;
    const [record, statistics] = [model.weights.of(node), model.weights.of(norm)];
    if (record === undefined || statistics === undefined) continue;
    await fold(record, norm, statistics);
    retire(model, norm, true);
    changed = true;
  }
  return changed;
}

/** Whether a factor and a summand per channel can go into the operator: a linear one without activation. */
export function takesFactors(node: BoltNode): boolean {
  if (node.type === "FC") return true;
  const { parameters } = node.data;
  return (
    node.type === "Conv" &&
    parameters.number("dw_activation_type") === 0 &&
    parameters.number("pw_activation_type") === 0
  );
}

async function fold(record: BoltWeight, norm: BoltNode, statistics: BoltWeight): Promise<void> {
  const gama = norm.data.parameters.number("gama");
  const epsilon = norm.data.parameters.number("eps");
  const mean = floatsOf(await statistics.weight.read());
  const variance = floatsOf(await statistics.vector.read());
  const deviation = Float32Array.from(variance, (value) => Math.sqrt(Math.fround(Math.fround(gama * value) + epsilon)));
  const bias = record.vector.length === 0 ? new Float32Array(mean.length) : floatsOf(await record.vector.read());
  for (let channel = 0; channel < mean.length; channel++) {
    bias[channel] = Math.fround(bias[channel]! - Math.fround(gama * mean[channel]!)) / deviation[channel]!;
  }
  const perChannel = Math.floor(record.weight.length / 4 / mean.length);
  record.weight = changedFloats(record.weight, (values, first) => {
    forEachChannel(values.length, first, perChannel, deviation.length, (channel, from, to) => {
      const divisor = deviation[channel]!;
      for (let index = from; index < to; index++) values[index]! /= divisor;
    });
  });
  record.vector = floatBytes(bias);
}

/** Calls `visit` with each channel's part of a run of values that starts at `first`; values past the last channel are left out. */
export function forEachChannel(
  count: number,
  first: number,
  perChannel: number,
  channels: number,
  visit: (channel: number, from: number, to: number) => void,
): void {
  if (perChannel === 0) return;
  for (let index = 0; index < count; ) {
    const channel = Math.floor((first + index) / perChannel);
    if (channel >= channels) return;
    const to = Math.min(count, (channel + 1) * perChannel - first);
    visit(channel, index, to);
    index = to;
  }
}
