import type { BoltDataType } from "../../bolt/data-type.ts";
import { type BoltModel, type BoltNode, type BoltWeight, WeightTable } from "../../bolt/model.ts";
import { BoltqError } from "../../io/error.ts";
import type { WeightPlan } from "../plan.ts";
import { clippedWeight, convertWeight, int8StorageError, storeCodes } from "./convert-weight.ts";
import { type BoltPrecision, computeType, isQuantizedInference } from "./recipe.ts";
import {
  headerType,
  recordTypes,
  requireFloatInput,
  retypeParameters,
  retypeSharedWeights,
  storageOf,
  type WeightStorage,
} from "./storage.ts";
import type { WeightWork } from "./weight-work.ts";

export interface PlanWeightsOptions {
  /** Do what Bolt does also where its reader takes the bytes for something else. Default false. */
  readonly asBolt?: boolean;
  /** The records come from a file, as Bolt's reader gives them, not from a conversion. Default false. */
  readonly fromFile?: boolean;
  /** Store a float operator's weight in float when int8 storage would err by more. Default 0.002 in files of 1.3.0, else none. */
  readonly errorThreshold?: number | undefined;
}

/** Decides how every weight is stored, in file order. `inInt8` says which operators compute in int8. Nothing is changed. */
export async function planWeights(
  model: BoltModel,
  precision: BoltPrecision,
  inInt8: (node: BoltNode) => boolean,
  options: PlanWeightsOptions = {},
): Promise<WeightPlan[]> {
  const nodes = nodesByName(model);
  const plans: WeightPlan[] = [];
  for (const record of recordsOf(model, precision, options)) {
    requireFloatInput(record);
    const node = nodes.get(record.operator);
    const quantized = node !== undefined && inInt8(node);
    const storage = storageOf(record, node, quantized, precision);
    const { type, reason } = await withinError(record, storage, quantized, precision, options);
    plans.push({
      operator: record.operator,
      name: record.operator,
      type,
      scales: [],
      axis: 0,
      granularity: "per-tensor",
      method: "max",
      largest: type === "int4" ? 7 : 127,
      reason,
    });
  }
  return plans;
}

/** Who does the work of storing, and how. */
export interface StoreOptions extends PlanWeightsOptions {
  /** Who does the work on the numbers of weights. Default: this thread alone. */
  readonly work?: WeightWork | undefined;
}

/**
 * Stores every weight as planned and lets data types in parameters and header follow. Weights are converted when they are
 * written. Throws BoltqError `mismatch` when the plan is of other weights.
 */
export async function storeWeights(
  model: BoltModel,
  precision: BoltPrecision,
  plans: readonly WeightPlan[],
  options: StoreOptions,
): Promise<void> {
  const ties = precision.rules === "1.3.0" ? "half-away" : "half-even";
  const nodes = nodesByName(model);
  const stored = new Map<BoltNode, BoltDataType>();
  const table = new WeightTable();
  for (const [index, record] of recordsOf(model, precision, options).entries()) {
    const plan = plans[index];
    if (plan?.operator !== record.operator) {
      throw new BoltqError("mismatch", "the plan was made for another model", {
        subject: `weight of "${record.operator}"`,
        remedy: "Make a plan of this model",
      });
    }
    const node = nodes.get(record.operator);
    const types = recordTypes(record, node, plan.type, precision, options.asBolt ?? false);
    const source = plan.clip === undefined ? record : { ...record, weight: clippedWeight(record, plan.clip) };
    if (plan.codes !== undefined) table.add(storeCodes(record, types, plan.codes, plan.scales[0] ?? Number.NaN));
    else if (record.dataType === "F32") table.add(await convertWeight(source, types, ties, options.work));
    else table.add({ ...source, dataType: types.weight });
    if (node !== undefined) stored.set(node, types.weight);
  }
  model.weights = table;
  retypeParameters(model, precision);
  if (precision.rules === "1.5") retypeSharedWeights(model, stored);
  retypeHeader(model, precision);
}

function nodesByName(model: BoltModel): Map<string, BoltNode> {
  const nodes = new Map<string, BoltNode>();
  for (const node of model.graph.nodes) if (!nodes.has(node.name)) nodes.set(node.name, node);
  return nodes;
}

/** The records that are stored: empty ones are dropped. */
function recordsOf(
  model: BoltModel,
  { rules }: BoltPrecision,
  { fromFile = false, asBolt = false }: PlanWeightsOptions,
): BoltWeight[] {
  const records = [...model.weights].filter(({ weight, vector }) => weight.length > 0 || vector.length > 0);
  return fromFile && rules === "1.3.0" ? records.map((record) => asOlderToolReads(record, asBolt)) : records;
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
  quantized: boolean,
  { rules, inference, storage: word }: BoltPrecision,
  { errorThreshold }: PlanWeightsOptions,
): Promise<WeightStorage> {
  const older = rules === "1.3.0";
  const threshold = errorThreshold ?? (older ? DEFAULT_OLDER_THRESHOLD : Number.POSITIVE_INFINITY);
  const concerned = older
    ? storage.type === "int8" && !quantized
    : !isQuantizedInference(inference) && /^(INT8|INT4|MIX)$/.test(word);
  if (!concerned || record.dataType !== "F32" || threshold === Number.POSITIVE_INFINITY) return storage;
  const error = await int8StorageError(record, older ? "half-away" : "half-even");
  if (!(error > Math.fround(threshold))) return storage;
  const type = !older || computeType(inference) === "F16" ? "float16" : "float32";
  return { type, reason: `int8 storage would err by ${error.toPrecision(3)}, more than ${threshold}` };
}

const DEFAULT_OLDER_THRESHOLD = 0.002;

function retypeHeader(model: BoltModel, precision: BoltPrecision): void {
  const compute = computeType(precision.inference);
  model.dataType = headerType(precision);
  model.inputDescriptions = model.inputDescriptions.map((description) =>
    description.dataType === "F32" ? { ...description, dataType: compute } : description,
  );
}
