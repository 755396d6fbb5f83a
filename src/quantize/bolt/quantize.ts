import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { rulesOf } from "../../bolt/rules.ts";
import type { BoltVersion } from "../../bolt/version.ts";
import { BoltqError } from "../../io/error.ts";
import { foldBatchNorm } from "../../transform/bolt/fold-batch-norm.ts";
import { foldScale } from "../../transform/bolt/fold-scale.ts";
import { fuseActivation } from "../../transform/bolt/fuse-activation.ts";
import { interfaceNames, restoreNames } from "../../transform/bolt/keep-names.ts";
import { moveStride } from "../../transform/bolt/move-stride.ts";
import { padChannels } from "../../transform/bolt/pad-channels.ts";
import { type BoltPass, dropRetired } from "../../transform/bolt/pass.ts";
import { placeTensors } from "../../transform/bolt/place-tensors.ts";
import { upgradeVersion } from "../../transform/bolt/upgrade-version.ts";
import type { ScaleTable } from "../scale-table.ts";
import { checkScaleTable, labelGlobalClip, labelStatic } from "./label-table.ts";
import {
  findFirstConvolutions,
  isQuantizable,
  LABEL,
  labelDynamic,
  labelMatrixOperators,
  type Reasons,
  setLabel,
} from "./labels.ts";
import { insertQuantizeLinear } from "./quantize-linear.ts";
import { type BoltInference, type BoltStorage, isQuantizedInference, precisionFor } from "./recipe.ts";
import { storeWeights, type WeightDecision } from "./store-weights.ts";
import type { WeightWork } from "./weight-work.ts";

/** How to quantize a `.bolt` model; every setting has Bolt's default. */
export interface QuantizeBoltOptions {
  /** `-i`. Default INT8_FP16. */
  readonly inference?: BoltInference;
  /** `-q`. Default NOQUANT; with INT8, INT4, FP16, FP32 in files of Bolt 1.5: stored as computed. */
  readonly storage?: BoltStorage;
  /** `-b`: fold BatchNorm and Scale into weights, fuse activations. Default true. */
  readonly fuseBatchNorm?: boolean;
  /** `-c`: clip the inputs of matrix operators to ±this. Default 0: do not. */
  readonly clip?: number;
  /** `-s`. */
  readonly scaleTable?: ScaleTable;
  /** For messages about the table. */
  readonly scaleTableFile?: string;
  /** Store a float operator's weight in float when int8 storage would err by more. Default 0.002 in files of 1.3.0, else none. */
  readonly errorThreshold?: number;
  /** Do what Bolt's tool does also where that is broken. Default false. */
  readonly asBolt?: boolean;
  /** Who does the work on the numbers of weights. Default: this thread alone. */
  readonly work?: WeightWork;
}

/** What was decided about one operator. */
export interface OperatorDecision {
  readonly operator: string;
  readonly type: string;
  /** Labels and scales by slot; none: not labelled. */
  readonly scales: readonly (readonly number[])[];
  readonly reason: string;
}

export interface QuantizedBolt {
  /** The quantized model. Its weights are converted while it is written. */
  readonly model: BoltModel;
  /** What takes the place of `ptq_input.bolt` in the file's name. */
  readonly suffix: string;
  readonly operators: readonly OperatorDecision[];
  readonly weights: readonly WeightDecision[];
  readonly warnings: readonly string[];
}

/**
 * Quantizes a model made with X2bolt -i PTQ, as Bolt's post_training_quantization does. `model` is used up: do not go on
 * with it. Throws `unsupported` when it is no such model.
 */
export async function quantizeBolt(model: BoltModel, options: QuantizeBoltOptions = {}): Promise<QuantizedBolt> {
  if (model.dataType !== "F32") {
    throw new BoltqError("unsupported", `the model is of type ${model.dataType}, not float32`, {
      remedy: "Give a model made with X2bolt -i PTQ",
    });
  }
  upgradeVersion(model, rulesOf(model.version) === "1.3.0" ? model.version : NEWEST_RULES_VERSION);
  const precision = precisionFor(model.version, options.inference, options.storage);
  const names = interfaceNames(model);
  const asBolt = options.asBolt ?? false;
  for (const pass of passesFor(options)) await pass(model, { asBolt });
  const reasons: Reasons = new Map();
  const warnings: string[] = [];
  if (precision.rules === "1.3.0" || isQuantizedInference(precision.inference)) {
    label(model, options, reasons, warnings);
    insertQuantizeLinear(model);
  }
  await placeTensors(model);
  if (precision.rules === "1.5") restoreNames(model, names);
  const weights = await storeWeights(model, precision, { ...options, fromFile: true });
  dropRetired(model);
  return { model, suffix: precision.suffix, operators: operatorDecisions(model, reasons), weights, warnings };
}

/** What Bolt's newest tool writes, whatever it read. */
const NEWEST_RULES_VERSION: BoltVersion = 20220831;

/** The rewrites of ModelSpecOptimizer::suggest_for_ptq, in order. */
function passesFor({ fuseBatchNorm = true }: QuantizeBoltOptions): readonly BoltPass[] {
  const fusions = [foldBatchNorm, foldScale, foldBatchNorm, fuseActivation, moveStride];
  return [...(fuseBatchNorm ? fusions : []), padChannels];
}

function label(model: BoltModel, options: QuantizeBoltOptions, reasons: Reasons, warnings: string[]): void {
  const { clip = 0, asBolt = false } = options;
  const scaleTable = asBolt ? asBoltReads(options.scaleTable, model) : options.scaleTable;
  if (scaleTable !== undefined && !asBolt)
    checkScaleTable(scaleTable, model, options.scaleTableFile ?? "(scale table)");
  if (scaleTable?.kind === "static") {
    labelMatrixOperators(model, reasons);
    labelStatic(model, scaleTable.layers, reasons, warnings, { asBolt });
  } else if (clip > 0) {
    labelClipped(model, clip, reasons, asBolt);
  } else {
    labelDynamic(model, reasons, scaleTable?.choice);
  }
}

/** Bolt 1.3.0 knows no dynamic tables: it takes one for a table that names no layer. */
function asBoltReads(table: ScaleTable | undefined, model: BoltModel): ScaleTable | undefined {
  return table?.kind === "dynamic" && rulesOf(model.version) === "1.3.0"
    ? { kind: "static", layers: new Map() }
    : table;
}

function labelClipped(model: BoltModel, clip: number, reasons: Reasons, asBolt: boolean): void {
  if (!Number.isFinite(clip)) throw new BoltqError("usage", `inputs cannot be clipped to ±${clip}`);
  const first = findFirstConvolutions(model);
  const isQuantized = (node: BoltNode) => !first.has(node) && isQuantizable(node, model);
  if (asBolt && model.graph.nodes.some(isQuantized)) {
    throw new BoltqError("unsupported", "Bolt's tool refuses -c for every network with a quantized operator", {
      remedy: "Leave out --as-bolt",
    });
  }
  labelGlobalClip(model, clip, reasons, isQuantized);
  for (const node of first) setLabel(node, LABEL.float);
}

function operatorDecisions(model: BoltModel, reasons: Reasons): OperatorDecision[] {
  return model.graph.nodes.map((node) => ({
    operator: node.name,
    type: node.type,
    scales: node.data.scales.map((slot) => [...slot]),
    reason: reasons.get(node) ?? (node.type === "QuantizeLinear" ? "its reader computes in int8" : ""),
  }));
}
