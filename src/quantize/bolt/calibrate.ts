import type { BoltModel, BoltValue } from "../../bolt/model.ts";
import { type CollectOptions, collectObservations } from "../../calibrate/collect.ts";
import { findRange, METHOD_NEEDS } from "../../calibrate/find-range.ts";
import { statisticsOf } from "../../calibrate/observations.ts";
import type { Range, RangeMethod } from "../../calibrate/range.ts";
import type { Statistics } from "../../calibrate/statistics.ts";
import { raisedNames, raiseToOnnx } from "../../convert/bolt-to-onnx/index.ts";
import type { Dataset } from "../../data/dataset.ts";
import { BoltqError } from "../../io/error.ts";
import { type QuantizeBoltOptions, type QuantizedBolt, quantizeBolt } from "./quantize.ts";
import { isQuantizedInference } from "./recipe.ts";
import { setStaticScales, valuesToCalibrate } from "./static-scales.ts";

export interface CalibrateBoltOptions extends QuantizeBoltOptions, CollectOptions {
  /** How clip values are found. Default `kl-bolt`. */
  readonly method?: RangeMethod;
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
  const { inference = "INT8_FP16", method = "kl-bolt", clip = 0, scaleTable } = options;
  if (!isQuantizedInference(inference))
    throw unsuitable(`the inference precision ${inference} has no int8 to calibrate`);
  if (clip > 0 || scaleTable !== undefined) throw unsuitable("clip values are given already");
  const quantized = await quantizeBolt(await open(), options);
  const values = valuesToCalibrate(quantized.model);
  if (values.length === 0) return { ...quantized, tensors: [] };
  const names = raisedNames(quantized.model);
  const statistics = await observeFloat(
    await open(),
    values.map((value) => names.get(value)!),
    dataset,
    options,
  );
  const ranges = new Map(
    values.map((value): [BoltValue, Range] => {
      const seen = statistics.values.get(names.get(value)!)!;
      return [value, findRange(seen, method, { symmetric: true })];
    }),
  );
  setStaticScales(quantized.model, (value) => ranges.get(value)!.high);
  return { ...quantized, tensors: [...ranges].map(([{ name }, range]) => ({ name, range })) };
}

/** Statistics of the network before it is quantized, after the same rewrites. */
async function observeFloat(
  model: BoltModel,
  names: readonly string[],
  dataset: Dataset,
  options: CalibrateBoltOptions,
): Promise<Statistics> {
  const { method = "kl-bolt", fuseBatchNorm } = options;
  const float = await quantizeBolt(model, {
    inference: "FP32",
    storage: "NOQUANT",
    ...(fuseBatchNorm === undefined ? {} : { fuseBatchNorm }),
  });
  const onnx = await raiseToOnnx(float.model, { layers: true });
  const needs = new Map(names.map((name) => [name, new Set([METHOD_NEEDS[method]])]));
  return statisticsOf(await collectObservations(onnx, needs, dataset, options));
}

function unsuitable(problem: string): BoltqError {
  return new BoltqError("usage", problem, {
    remedy: "Calibrate with -i INT8_FP16, INT8_FP32 or INT8, without -c and -s",
  });
}
