import type { BoltModel, BoltValue } from "../../bolt/model.ts";
import { type CollectOptions, collectObservations } from "../../calibrate/collect.ts";
import { findRange, METHOD_NEEDS } from "../../calibrate/find-range.ts";
import { statisticsOf } from "../../calibrate/observations.ts";
import type { Range, RangeMethod } from "../../calibrate/range.ts";
import type { Collected } from "../../calibrate/statistics.ts";
import { raisedNames, raiseToOnnx } from "../../convert/bolt-to-onnx/index.ts";
import type { Dataset } from "../../data/dataset.ts";
import { BoltqError } from "../../io/error.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import { correctBiases, valuesToAverage } from "./correct-biases.ts";
import { type QuantizeBoltOptions, type QuantizedBolt, quantizeBolt } from "./quantize.ts";
import { isQuantizedInference } from "./recipe.ts";
import { setStaticScales, valuesToCalibrate } from "./static-scales.ts";

export interface CalibrateBoltOptions extends QuantizeBoltOptions, CollectOptions {
  /** How clip values are found. Default `mse`. */
  readonly method?: RangeMethod;
  /** Take the mean error that rounding the weights makes out of the biases. Default true. */
  readonly correctBiases?: boolean;
}

/** The range that was found for one tensor. */
export interface CalibratedTensor {
  readonly name: string;
  readonly range: Range;
}

export interface CalibratedBolt extends QuantizedBolt {
  /** In graph order. */
  readonly tensors: readonly CalibratedTensor[];
}

/**
 * Quantizes a model made with X2bolt -i PTQ and calibrates it on examples, so that it runs as static int8: every input and
 * int8 output of a quantized operator gets a scale. The float network is observed as it is after folding and fusion. `open`
 * reads the model anew at each call. Throws BoltqError `usage` when nothing is to compute in int8, and what `quantizeBolt`
 * and `collectObservations` throw.
 */
export async function calibrateBolt(
  open: () => Promise<BoltModel>,
  dataset: Dataset,
  options: CalibrateBoltOptions = {},
): Promise<CalibratedBolt> {
  const { method = "mse" } = options;
  const observation = await planBoltObservation(open, METHOD_NEEDS[method], options);
  const { quantized, float, values, names } = observation;
  if (values.length === 0) return { ...quantized, tensors: [] };
  const statistics = statisticsOf(await collectObservations(observation.model, observation.needs, dataset, options));
  const ranges = new Map(
    values.map((value): [BoltValue, Range] => {
      const seen = statistics.values.get(names.get(value)!)!;
      return [value, findRange(seen, method, { symmetric: true })];
    }),
  );
  if (options.correctBiases !== false) {
    await correctBiases(quantized.model, float, (value) => statistics.values.get(names.get(value)!)?.channels?.means);
  }
  setStaticScales(quantized.model, (value) => ranges.get(value)!.high);
  return { ...quantized, tensors: [...ranges].map(([{ name }, range]) => ({ name, range })) };
}

/** What is to be observed of a Bolt network. */
export interface BoltObservation {
  /** The network as it will be quantized, with labels and without static scales. */
  readonly quantized: QuantizedBolt;
  /** The same network before it is quantized. */
  readonly float: BoltModel;
  /** `float` as ONNX, to be run. */
  readonly model: OnnxModel;
  /** The values of `quantized` that need a range. */
  readonly values: readonly BoltValue[];
  /** What each value of `quantized` is called in `model`. */
  readonly names: ReadonlyMap<BoltValue, string>;
  readonly needs: ReadonlyMap<string, ReadonlySet<Collected>>;
}

/** Decides what must be observed of a network; `kind` is what is collected of each value that needs a range. */
export async function planBoltObservation(
  open: () => Promise<BoltModel>,
  kind: Collected,
  options: CalibrateBoltOptions = {},
): Promise<BoltObservation> {
  const { inference = "INT8_FP16", clip = 0, scaleTable } = options;
  if (!isQuantizedInference(inference))
    throw unsuitable(`the inference precision ${inference} has no int8 to calibrate`);
  if (clip > 0 || scaleTable !== undefined) throw unsuitable("clip values are given already");
  const quantized = await quantizeBolt(await open(), options);
  const float = await floatTwin(await open(), options);
  const values = valuesToCalibrate(quantized.model);
  const names = raisedNames(quantized.model);
  const needs = new Map(values.map((value) => [names.get(value)!, new Set([kind])]));
  for (const value of options.correctBiases === false ? [] : valuesToAverage(quantized.model)) {
    const name = names.get(value)!;
    needs.set(name, new Set([...(needs.get(name) ?? []), "channels"]));
  }
  return { quantized, float, model: await raiseToOnnx(float, { layers: true }), values, names, needs };
}

/** The network before it is quantized, after the same rewrites. */
async function floatTwin(model: BoltModel, { fuseBatchNorm }: CalibrateBoltOptions): Promise<BoltModel> {
  const options = fuseBatchNorm === undefined ? {} : { fuseBatchNorm };
  return (await quantizeBolt(model, { inference: "FP32", storage: "NOQUANT", ...options })).model;
}

function unsuitable(problem: string): BoltqError {
  return new BoltqError("usage", problem, {
    remedy: "Calibrate with -i INT8_FP16, INT8_FP32 or INT8, without -c and -s",
  });
}
