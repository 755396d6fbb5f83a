import type { BoltDataType } from "../../bolt/data-type.ts";
import { type BoltModel, type BoltNode, type BoltWeight, WeightTable } from "../../bolt/model.ts";
import { convertWeight, int8StorageError } from "./convert-weight.ts";
import { type BoltPrecision, isQuantizedInference } from "./recipe.ts";
import {
  headerType,
  requireFloatInput,
  retypeParameters,
  retypeSharedWeights,
  storageOf,
  type WeightStorage,
} from "./storage.ts";
import type { WeightWork } from "./weight-work.ts";

/** What was decided about one weight. */
export interface WeightDecision {
  readonly operator: string;
  readonly from: BoltDataType;
  readonly to: BoltDataType;
  readonly reason: string;
}

export interface StoreOptions {
  readonly asBolt?: boolean;
  /** The records come from a file, as Bolt's reader gives them, not from a conversion. Default false. */
  readonly fromFile?: boolean;
  /** Store a float operator's weight in float when int8 storage would err by more. Default 0.002 in files of 1.3.0, else none. */
  readonly errorThreshold?: number;
  /** Who does the work on the numbers of weights. Default: this thread alone. */
  readonly work?: WeightWork;
}

/**
 * Stores every weight as the precision says and lets data types in parameters and header follow. Weights are converted
 * when they are written.
 */
export async function storeWeights(
  model: BoltModel,
  precision: BoltPrecision,
  options: StoreOptions,
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
    const record = options.fromFile === true && precision.rules === "1.3.0" ? asOlderToolReads(stated, asBolt) : stated;
    requireFloatInput(record);
    const node = nodes.get(record.operator);
    const storage = await withinError(record, storageOf(record, node, { precision, asBolt }), precision, options);
    table.add(
      record.dataType === "F32"
        ? await convertWeight(record, storage, ties, options.work)
        : { ...record, dataType: storage.type },
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
  { errorThreshold }: StoreOptions,
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
