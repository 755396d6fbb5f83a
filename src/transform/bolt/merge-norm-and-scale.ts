import { floatBytes, floatsOf } from "../../bolt/lazy-floats.ts";
import type { BoltModel, BoltNode, BoltWeight } from "../../bolt/model.ts";
import { fusedMultiplyAdd } from "../../graph/fused-multiply-add.ts";
import { Value } from "../../graph/graph.ts";
import { onlyReader, type PassOptions, retire } from "./pass.ts";

/**
 * A BatchNorm that found no convolution goes into the Scale behind it: alpha / std, beta - alpha / std * mean
 * (BNScaleOptimizer). Behind a Concat the tensor between gets a name of its own.
 */
export async function mergeNormAndScale(model: BoltModel, { asBolt }: PassOptions): Promise<boolean> {
  let changed = false;
  for (const norm of model.graph.nodes) {
    if (norm.type !== "BatchNorm" || model.graph.outputs.includes(norm.output())) continue;
    const scale = onlyReader(norm);
    const [statistics, factors] = [model.weights.of(norm), scale === undefined ? undefined : model.weights.of(scale)];
    if (scale?.type !== "Scale" || statistics === undefined || factors === undefined) continue;
    await merge(norm, statistics, factors);
    const isLone = model.graph.inputs.includes(norm.input(0)) && model.graph.outputs.includes(scale.output());
    retire(model, norm, true);
    // Bolt gives an input the name of what it became, here that of the output, and only the input gets its own again.
    if (asBolt && isLone) scale.setInput(0, new Value(scale.output().name));
    const concat = scale.input(0).producer;
    if (concat?.type === "Concat") {
      scale.data.parameters.set("num_concat", concat.inputs.length);
      concat.output().name = `break_${concat.output().name}`;
    }
    changed = true;
  }
  return changed;
}

async function merge(norm: BoltNode, statistics: BoltWeight, factors: BoltWeight): Promise<void> {
  const gama = norm.data.parameters.number("gama");
  const epsilon = norm.data.parameters.number("eps");
  const mean = floatsOf(await statistics.weight.read());
  const variance = floatsOf(await statistics.vector.read());
  const alpha = floatsOf(await factors.weight.read());
  const beta = factors.vector.length > 0 ? floatsOf(await factors.vector.read()) : new Float32Array(alpha.length);
  for (let channel = 0; channel < mean.length; channel++) {
    const deviation = Math.fround(Math.sqrt(Math.fround(Math.fround(gama * variance[channel]!) + epsilon)));
    alpha[channel]! /= deviation;
    beta[channel] = fusedMultiplyAdd(-Math.fround(alpha[channel]! * gama), mean[channel]!, beta[channel]!);
  }
  factors.weight = floatBytes(alpha);
  factors.vector = floatBytes(beta);
}
