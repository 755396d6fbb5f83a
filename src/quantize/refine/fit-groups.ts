import { type FittedPart, fitLayer, type LayerPart } from "./fit-layer.ts";
import type { LayerSamples, SampleHalf } from "./layer-samples.ts";
import type { MatrixProducts } from "./matrix-products.ts";
import type { LayerRows } from "./walk-layers.ts";
import type { WalkedLayer } from "./walked-layer.ts";

/** A layer as it is before it is fitted: its weight as outputs × inputs, group after group. */
export interface GroupedPart extends Omit<LayerPart, "leastScales" | "independentSamples"> {
  /** Least scale of each row of the layer, or the one of all. */
  readonly leastScales: readonly number[];
  /** Examples that were run. */
  readonly examples: number;
}

/** Scales that are tried for few codes, as shares of those that reach the largest weights. */
export const SHARES = [1, 0.9, 0.8, 0.7, 0.6, 0.5];

/**
 * Fits the groups of a layer one by one. Those of a layer with one scale are given the same one: the share of
 * the widest that errs least.
 */
export async function fitGroups(
  layer: WalkedLayer,
  whole: GroupedPart,
  rows: LayerRows,
  products: MatrixProducts,
): Promise<FittedPart[]> {
  const fitAll = async (given: GroupedPart) => {
    const parts: FittedPart[] = [];
    for (let group = 0; group < layer.groups; group++) {
      const samples = samplesOf(layer, group, rows);
      parts.push(await fitLayer(partOf(layer, given, group, samples), samples, products));
    }
    return parts;
  };
  if (whole.perChannel || layer.groups === 1) return fitAll(whole);
  const widest = await fitAll({ ...whole, shares: [1] });
  const scale = Math.max(...widest.map(({ scales }) => scales[0]!));
  let best = { parts: widest, error: Number.POSITIVE_INFINITY };
  for (const share of whole.shares) {
    const shared = Math.max(Math.fround(share * scale), whole.leastScales[0]!);
    const parts = await fitAll({ ...whole, scale: shared, shares: [1] });
    const error = parts.reduce((sum, part) => sum + part.error, 0);
    if (error < best.error) best = { parts, error };
  }
  return best.parts;
}

function partOf(
  { groups, outputs, inputs, windows }: WalkedLayer,
  { examples, ...whole }: GroupedPart,
  group: number,
  { halves }: LayerSamples,
): LayerPart {
  const [first, next] = [group * outputs, (group + 1) * outputs];
  return {
    ...whole,
    weight: groups === 1 ? whole.weight : whole.weight.subarray(first * inputs, next * inputs),
    bias: whole.bias.subarray(first, next),
    leastScales: whole.perChannel ? whole.leastScales.slice(first, next) : whole.leastScales,
    independentSamples: windows === undefined ? examples : halves[0].count + halves[1].count,
  };
}

function samplesOf({ inputs, outputs }: WalkedLayer, group: number, halves: LayerRows): LayerSamples {
  const own = ({ count, x, z }: SampleHalf): SampleHalf => ({
    count,
    x: x.subarray(group * inputs * count, (group + 1) * inputs * count),
    z: z.subarray(group * outputs * count, (group + 1) * outputs * count),
  });
  return { inputs, outputs, halves: [own(halves[0]), own(halves[1])] };
}

/** The codes of all groups, one after the other. */
export function joinedCodes(parts: readonly FittedPart[]): Int8Array {
  const all = new Int8Array(parts.reduce((sum, { codes }) => sum + codes.length, 0));
  parts.reduce((at, { codes }) => {
    all.set(codes, at);
    return at + codes.length;
  }, 0);
  return all;
}
