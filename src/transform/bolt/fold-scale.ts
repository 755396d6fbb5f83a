import { changedFloats, floatBytes, floatsOf } from "../../bolt/lazy-floats.ts";
import type { BoltModel, BoltNode, BoltWeight } from "../../bolt/model.ts";
import { rulesOf } from "../../bolt/rules.ts";
import { fusedMultiplyAdd } from "../../graph/fused-multiply-add.ts";
import { memoryBytes } from "../../io/bytes.ts";
import { forEachChannel, takesFactors } from "./fold-batch-norm.ts";
import { onlyReader, type PassOptions, RETIRED, retire } from "./pass.ts";

const NOTHING = memoryBytes(new Uint8Array(0));

/**
 * Folds Power (of exponent 1) and Scale into the convolution, FC or Scale before them, and a Power into the Scale after it
 * (WeightScaleOptimizer). `onlyIntoScale`: what X2bolt does for the quantizer's input.
 */
export async function foldScale(
  model: BoltModel,
  options: PassOptions & { onlyIntoScale?: boolean },
): Promise<boolean> {
  const hosts = options.onlyIntoScale === true ? (node: BoltNode) => node.type === "Scale" : takesScale;
  const powers = await foldChains(model, options, takesScale, foldPower);
  const scales = await foldChains(model, options, hosts, foldScaleInto);
  const pairs = await foldPowerIntoNext(model);
  return powers || scales || pairs;
}

function takesScale(node: BoltNode): boolean {
  return node.type === "Scale" || takesFactors(node);
}

type Fold = (model: BoltModel, host: BoltNode, next: BoltNode) => Promise<boolean>;

/** Folds what follows each host into it, as often as something does. */
async function foldChains(
  model: BoltModel,
  { asBolt }: PassOptions,
  isHost: (node: BoltNode) => boolean,
  fold: Fold,
): Promise<boolean> {
  let changed = false;
  for (const host of model.graph.nodes.slice(0, -1)) {
    while (host.type !== RETIRED && isHost(host)) {
      const next = onlyReader(host);
      if (next === undefined || (!asBolt && model.graph.outputs.includes(host.output()))) break;
      if (!(await fold(model, host, next))) break;
      changed = true;
    }
  }
  return changed;
}

async function foldPower(model: BoltModel, host: BoltNode, power: BoltNode): Promise<boolean> {
  if (power.type !== "Power" || power.data.parameters.number("power") !== 1) return false;
  const record = model.weights.of(host);
  if (record === undefined || isOneBit(record)) return false;
  const scale = power.data.parameters.number("scale");
  const shift = power.data.parameters.number("shift");
  if (record.weight.length === 0) record.weight = floatBytes(new Float32Array(record.vector.length / 4).fill(1));
  const bias =
    record.vector.length > 0 ? floatsOf(await record.vector.read()) : new Float32Array(biasCount(host, record));
  record.weight = changedFloats(record.weight, (values) => {
    for (let index = 0; index < values.length; index++) values[index]! *= scale;
  });
  record.vector = floatBytes(bias.map((value) => fusedMultiplyAdd(value, scale, shift)));
  retire(model, power, true);
  return true;
}

function biasCount(host: BoltNode, record: BoltWeight): number {
  return host.type === "Scale" ? record.weight.length / 4 : host.data.parameters.number("num_outputs");
}

async function foldScaleInto(model: BoltModel, host: BoltNode, scale: BoltNode): Promise<boolean> {
  if (scale.type !== "Scale" || scale.inputs.length > 1) return false;
  const [record, factors] = [model.weights.of(host), model.weights.of(scale)];
  if (record === undefined || factors === undefined || isOneBit(record)) return false;
  if (factors.weight.length === 4 || factors.vector.length === 4) return false;
  const alpha = floatsOf(await factors.weight.read());
  const beta = floatsOf(await factors.vector.read());
  const channels = Math.max(alpha.length, beta.length);
  if (record.weight.length === 0) record.weight = floatBytes(new Float32Array(channels).fill(1));
  const bias = record.vector.length > 0 ? floatsOf(await record.vector.read()) : new Float32Array(channels);
  const perChannel = Math.floor(record.weight.length / 4 / channels);
  for (let channel = 0; channel < channels; channel++) {
    if (alpha.length > 0) bias[channel]! *= alpha[channel]!;
    if (beta.length > 0) bias[channel]! += beta[channel]!;
  }
  if (alpha.length > 0) record.weight = changedFloats(record.weight, multiplier(alpha, perChannel));
  record.vector = floatBytes(bias);
  keepOutputName(model, host, scale);
  retire(model, scale, true);
  return true;
}

function multiplier(alpha: Float32Array, perChannel: number): (values: Float32Array, first: number) => void {
  return (values, first) => {
    forEachChannel(values.length, first, perChannel, alpha.length, (channel, from, to) => {
      const factor = alpha[channel]!;
      for (let index = from; index < to; index++) values[index]! *= factor;
    });
  };
}

/** Where the Scale gives an output of the network, its name stays that of the output (Bolt 1.5 alone does so here). */
function keepOutputName(model: BoltModel, host: BoltNode, scale: BoltNode): void {
  if (rulesOf(model.version) === "1.5" && model.graph.outputs.includes(scale.output()))
    host.output().name = scale.output().name;
}

/** A Power of exponent 1 before a Scale: Scale's factors times its scale, plus its shift times the factors. */
async function foldPowerIntoNext(model: BoltModel): Promise<boolean> {
  let changed = false;
  for (const power of model.graph.nodes.slice(0, -1)) {
    if (power.type !== "Power" || power.data.parameters.number("power") !== 1) continue;
    const next = onlyReader(power);
    const record = next?.type === "Scale" && next.inputs.length === 1 ? model.weights.of(next) : undefined;
    if (record === undefined || model.graph.outputs.includes(power.output())) continue;
    await foldPowerBefore(power, record);
    retire(model, power, true);
    changed = true;
  }
  return changed;
}

async function foldPowerBefore(power: BoltNode, record: BoltWeight): Promise<void> {
  const scale = power.data.parameters.number("scale");
  const shift = power.data.parameters.number("shift");
  const alpha = floatsOf(await record.weight.read());
  const beta = floatsOf(await record.vector.read());
  const channels = Math.max(alpha.length, beta.length);
  const factors = Float32Array.from({ length: channels }, (_, m) => (alpha.length === 0 ? scale : alpha[m]! * scale));
  const summands = Float32Array.from({ length: channels }, (_, m) => {
    const shifted = alpha.length === 0 ? shift : Math.fround(shift * alpha[m]!);
    return beta.length === 0 ? shifted : shifted + beta[m]!;
  });
  record.weight = channels === 0 ? NOTHING : floatBytes(factors);
  record.vector = channels === 0 ? NOTHING : floatBytes(summands);
}

function isOneBit({ dataType }: BoltWeight): boolean {
  return dataType === "BIN01" || dataType === "BIN11";
}
