import type { BoltDataType } from "../../bolt/data-type.ts";
import type { BoltModel, BoltNode, BoltWeight } from "../../bolt/model.ts";
import { BoltqError } from "../../io/error.ts";
import { LABEL, lastScale } from "./labels.ts";
import { type BoltPrecision, computeType, isQuantizedInference } from "./recipe.ts";

/** How one weight record will be stored. */
export interface WeightStorage {
  readonly type: BoltDataType;
  /** Type of the vector (bias, beta, variance); undefined: left as it is. */
  readonly vectorType: "F32" | "F16" | undefined;
  /** Int8 as a way of storing only: the operator computes in float. */
  readonly storageOnly: boolean;
  readonly reason: string;
}

export interface StorageOptions {
  readonly precision: BoltPrecision;
  /** Do what Bolt does also where its reader takes the bytes for something else. */
  readonly asBolt: boolean;
}

/** The header's data type. */
export function headerType({ rules, inference }: BoltPrecision): BoltDataType {
  if (inference === "INT8") return "I8";
  if (inference === "INT4") return "I4";
  const compute = computeType(inference);
  if (!isQuantizedInference(inference)) return compute;
  return rules === "1.3.0" || inference.startsWith("INT8_") ? `${compute}_8Q` : "I8";
}

/** Decides how the weight of `node` is stored. `node` undefined: the record belongs to no operator. */
export function storageOf(record: BoltWeight, node: BoltNode | undefined, options: StorageOptions): WeightStorage {
  const declared = declaredType(record, node);
  if (record.dataType !== "F32" && record.dataType !== "F16") {
    return { type: declared, vectorType: undefined, storageOnly: false, reason: "not made of float numbers" };
  }
  if (declared !== "F32" && declared !== "F16")
    return { type: declared, vectorType: "F32", storageOnly: false, reason: "declared as integers" };
  const { precision } = options;
  const stored = precision.rules === "1.3.0" ? olderStorage(node, options) : newerStorage(node, precision);
  return { storageOnly: false, ...stored, vectorType: vectorTypeOf(stored.type, precision, node) };
}

/** A shared weight's own description may say that its float numbers stand for integers. */
function declaredType(record: BoltWeight, node: BoltNode | undefined): BoltDataType {
  return node?.type === "SharedWeight" ? node.data.parameters.description("desc").dataType : record.dataType;
}

type Stored = Pick<WeightStorage, "type" | "reason"> & { storageOnly?: boolean };

/** model_data_type_converter.cpp of tag v1.3.0. */
function olderStorage(node: BoltNode | undefined, { precision, asBolt }: StorageOptions): Stored {
  const { inference, storage } = precision;
  const compute = computeType(inference);
  if (storage === "NOQUANT") return { type: compute, reason: "storage is not quantized" };
  if (storage === "FP16") return { type: "F16", reason: "storage is fp16" };
  if (node === undefined) return { type: compute, reason: "it belongs to no operator" };
  if (!isFloat(node)) return { type: "I8", reason: "its operator computes in int8" };
  if (storage === "MIX") return { type: compute, reason: "its operator computes in float" };
  const plainHeader = !isQuantizedInference(inference);
  if (plainHeader && !asBolt)
    return { type: "I8", storageOnly: true, reason: "int8 in the form that a float network's reader converts" };
  return { type: `${compute}_8Q`, storageOnly: true, reason: "int8 storage for an operator that computes in float" };
}

/** model_data_type_converter.cpp of today. */
function newerStorage(node: BoltNode | undefined, { inference, storage }: BoltPrecision): Stored {
  const compute = computeType(inference);
  if (storage === "NOQUANT") return { type: compute, reason: "storage is not quantized" };
  const plain = storage === "FP32" ? "F32" : storage === "FP16" ? "F16" : undefined;
  if (!isQuantizedInference(inference)) {
    if (storage === "MIX")
      return { type: "I8", storageOnly: true, reason: "int8 in the form that a float network's reader converts" };
    return plain === undefined
      ? { type: `${compute}_8Q`, reason: "int8 storage for a network that computes in float" }
      : { type: plain, reason: `storage is ${storage.toLowerCase()}` };
  }
  if (node !== undefined && !isFloat(node)) {
    const fourBit = inference === "INT4" || storage === "INT4";
    return { type: fourBit ? "I4" : "I8", reason: "its operator computes in int8" };
  }
  if (storage === "MIX") return { type: compute, reason: "its operator computes in float" };
  // The reader of a float16 int8 network widens F32_8Q, not F16_8Q.
  return plain === undefined
    ? { type: "F32_8Q", reason: "int8 storage for an operator that computes in float" }
    : { type: plain, reason: `storage is ${storage.toLowerCase()}` };
}

/** Whether an operator is labelled as float, or not at all. */
function isFloat(node: BoltNode): boolean {
  const { scales } = node.data;
  return (
    scales.length === 0 ||
    (scales.length === 1 && (scales[0]!.length === 0 || (scales[0]!.length === 1 && lastScale(node) === LABEL.float)))
  );
}

function vectorTypeOf(
  type: BoltDataType,
  { rules, inference }: BoltPrecision,
  node: BoltNode | undefined,
): "F32" | "F16" | undefined {
  if (rules === "1.3.0" && (node?.type === "Gather" || node?.type === "Scatter")) return undefined;
  if (type === "F16") return "F16";
  // Under a float16 header of Bolt 1.5 the bias of a float32 weight is read as float32; that of an int8 one depends on the header.
  if (type === "F32") return "F32";
  if (rules === "1.5" && isQuantizedInference(inference)) return "F32";
  return computeType(inference);
}

/** Operators whose parameters name a data type that follows what the network computes in. */
const TYPED_PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  SharedWeight: ["desc"],
  PreAllocatedMemory: ["desc"],
  ConstantOfShape: ["dt"],
  Cast: ["dt"],
  Random: ["dt"],
  Gather: ["data_desc"],
  Scatter: ["data_desc", "update_desc"],
};

/** Data types in parameters of old files that the tool of that version leaves alone. */
const UNTOUCHED_BEFORE_1_5 = new Set(["Random"]);

/** Lets what parameters say of float data follow what the network computes in. */
export function retypeParameters(model: BoltModel, { rules, inference }: BoltPrecision): void {
  const compute = computeType(inference);
  if (compute === "F32") return;
  for (const { type, data } of model.graph.nodes) {
    if (rules === "1.3.0" && UNTOUCHED_BEFORE_1_5.has(type)) continue;
    for (const field of Object.hasOwn(TYPED_PARAMETERS, type) ? TYPED_PARAMETERS[type]! : []) {
      if (!data.parameters.has(field)) continue;
      const value = data.parameters.value(field);
      if (value === "F32") data.parameters.set(field, compute);
      else if (typeof value === "object" && "dataType" in value && value.dataType === "F32")
        data.parameters.set(field, { ...value, dataType: compute });
    }
  }
}

/** In files of Bolt 1.5 a shared weight's description names the type that its weight is stored in. */
export function retypeSharedWeights(model: BoltModel, stored: ReadonlyMap<BoltNode, BoltDataType>): void {
  for (const node of model.graph.nodes) {
    const dataType = node.type === "SharedWeight" ? stored.get(node) : undefined;
    if (dataType !== undefined)
      node.data.parameters.set("desc", { ...node.data.parameters.description("desc"), dataType });
  }
}

/** Throws `unsupported` for weights that are neither float32 nor integers: the quantizer's input has no others. */
export function requireFloatInput(record: BoltWeight): void {
  if (/^(F16|BF16|F16_8Q|F32_8Q|I4|BIN01|BIN11)$/.test(record.dataType)) {
    throw new BoltqError("unsupported", `its weights are of type ${record.dataType} already`, {
      subject: `operator "${record.operator}"`,
      remedy: "Give a model made with X2bolt -i PTQ",
    });
  }
}
