import type { BoltDataType } from "../../bolt/data-type.ts";
import { type BoltModel, type BoltNode, type BoltWeight, WeightTable } from "../../bolt/model.ts";
import { rulesOf } from "../../bolt/rules.ts";
import type { BoltVersion } from "../../bolt/version.ts";
import { BoltqError } from "../../io/error.ts";
import { foldBatchNorm } from "../../transform/bolt/fold-batch-norm.ts";
import { foldScale } from "../../transform/bolt/fold-scale.ts";
import { fuseActivation } from "../../transform/bolt/fuse-activation.ts";
import { moveStride } from "../../transform/bolt/move-stride.ts";
import { padChannels } from "../../transform/bolt/pad-channels.ts";
import { type BoltPass, dropRetired } from "../../transform/bolt/pass.ts";
import { placeTensors } from "../../transform/bolt/place-tensors.ts";
import { upgradeVersion } from "../../transform/bolt/upgrade-version.ts";
import { convertWeight, int8StorageError } from "./convert-weight.ts";
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
import {
  type BoltInference,
  type BoltPrecision,
  type BoltStorage,
  isQuantizedInference,
  precisionFor,
} from "./recipe.ts";
import { checkScaleTable, labelGlobalClip, labelStatic, type ScaleTable } from "./scale-table.ts";
import {
  headerType,
  requireFloatInput,
  retypeParameters,
  retypeSharedWeights,
  storageOf,
  type WeightStorage,
} from "./storage.ts";

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
}

/** What was decided about one operator. */
export interface OperatorDecision {
  readonly operator: string;
  readonly type: string;
  /** Labels and scales by slot; none: not labelled. */
  readonly scales: readonly (readonly number[])[];
  readonly reason: string;
}

/** What was decided about one weight. */
export interface WeightDecision {
  readonly operator: string;
  readonly from: BoltDataType;
  readonly to: BoltDataType;
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
  const names = outputNames(model);
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
  const weights = await storeWeights(model, precision, options);
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

function outputNames(model: BoltModel): string[] {
  return model.graph.outputs.map((output) => output.name);
}

/**
 * Inputs and outputs keep their names whatever was fused into what: a tensor that became an output takes the output's
 * name, everywhere. Bolt writes these names anew, without what stood behind their zeros.
 */
function restoreNames(model: BoltModel, names: readonly string[]): void {
  const wanted = new Map<string, string>(model.graph.inputs.map((input) => [input.name, input.name]));
  model.graph.outputs.forEach((output, index) => {
    wanted.set(output.name, names[index]!);
  });
  const values = new Set(model.graph.nodes.flatMap((node) => [...node.inputs, ...node.outputs]));
  for (const output of model.graph.outputs) values.add(output);
  for (const node of model.graph.nodes) dropResidues(node, wanted);
  for (const value of values) if (value !== undefined) value.name = wanted.get(value.name) ?? value.name;
  model.inputResidues = [];
  model.outputResidues = [];
}

function dropResidues(node: BoltNode, names: ReadonlyMap<string, string>): void {
  node.inputs.forEach((input, index) => {
    if (input !== undefined && names.has(input.name)) node.data.residues.delete(`input ${index}`);
  });
  node.outputs.forEach((output, index) => {
    if (names.has(output.name)) node.data.residues.delete(`output ${index}`);
  });
}

async function storeWeights(
  model: BoltModel,
  precision: BoltPrecision,
  options: QuantizeBoltOptions,
): Promise<WeightDecision[]> {
  const asBolt = options.asBolt ?? false;
  const ties = precision.rules === "1.3.0" ? "half-away" : "half-even";
  const nodes = new Map<string, BoltNode>();
  for (const node of model.graph.nodes) if (!nodes.has(node.name)) nodes.set(node.name, node);
  const decisions: WeightDecision[] = [];
  const stored = new Map<BoltNode, BoltDataType>();
  const table = new WeightTable();
  for (const stated of model.weights) {
    if (stated.weight.length === 0 && stated.vector.length === 0) continue;
    const record = precision.rules === "1.3.0" ? asOlderToolReads(stated, asBolt) : stated;
    requireFloatInput(record);
    const node = nodes.get(record.operator);
    const storage = await withinError(record, storageOf(record, node, { precision, asBolt }), precision, options);
    table.add(
      record.dataType === "F32" ? await convertWeight(record, storage, ties) : { ...record, dataType: storage.type },
    );
    if (node !== undefined) stored.set(node, storage.type);
    decisions.push({ operator: record.operator, from: record.dataType, to: storage.type, reason: storage.reason });
  }
  model.weights = table;
  retypeParameters(model, precision);
  if (precision.rules === "1.5") retypeSharedWeights(model, stored);
  retypeHeader(model, precision);
  return decisions;
}

/**
 * Bolt 1.3.0 takes every weight of a float32 model for float32, whatever its record says. That shows where there are no
 * elements (indices of a Gather); where there are, it spoils them.
 */
function asOlderToolReads(record: BoltWeight, asBolt: boolean): BoltWeight {
  return asBolt || record.weight.length === 0 ? { ...record, dataType: "F32" } : record;
}

/** Keeps a weight out of int8 storage where that would err by more than the threshold. */
async function withinError(
  record: BoltWeight,
  storage: WeightStorage,
  precision: BoltPrecision,
  { errorThreshold }: QuantizeBoltOptions,
): Promise<WeightStorage> {
  const older = precision.rules === "1.3.0";
  const threshold = errorThreshold ?? (older ? DEFAULT_OLDER_THRESHOLD : Number.POSITIVE_INFINITY);
  const concerned = older
    ? storage.storageOnly
    : !isQuantizedInference(precision.inference) && /^(INT8|INT4|MIX)$/.test(precision.storage);
  if (!concerned || record.dataType !== "F32" || threshold === Number.POSITIVE_INFINITY) return storage;
  const error = await int8StorageError(record, older ? "half-away" : "half-even");
  if (!(error > Math.fround(threshold))) return storage;
  const half = !older || precision.inference === "FP16" || precision.inference === "INT8_FP16";
  const reason = `int8 storage would err by ${error.toPrecision(3)}, more than ${threshold}`;
  return { type: half ? "F16" : "F32", vectorType: half ? "F16" : "F32", storageOnly: false, reason };
}

const DEFAULT_OLDER_THRESHOLD = 0.002;

function retypeHeader(model: BoltModel, precision: BoltPrecision): void {
  const compute = precision.inference === "FP16" || precision.inference === "INT8_FP16" ? "F16" : "F32";
  model.dataType = headerType(precision);
  model.inputDescriptions = model.inputDescriptions.map((description) =>
    description.dataType === "F32" ? { ...description, dataType: compute } : description,
  );
}

function operatorDecisions(model: BoltModel, reasons: Reasons): OperatorDecision[] {
  return model.graph.nodes.map((node) => ({
    operator: node.name,
    type: node.type,
    scales: node.data.scales.map((slot) => [...slot]),
    reason: reasons.get(node) ?? (node.type === "QuantizeLinear" ? "its reader computes in int8" : ""),
  }));
}
