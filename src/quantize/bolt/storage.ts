import type { BoltDataType } from "../../bolt/data-type.ts";
import { firstSlot, hasSlots, isLabelled } from "../../bolt/label.ts";
import type { BoltModel, BoltNode, BoltWeight } from "../../bolt/model.ts";
import type { ParameterName } from "../../bolt/parameter-layouts.ts";
import { BoltqError } from "../../io/error.ts";
import type { WeightType } from "../plan.ts";
import { type BoltInference, type BoltPrecision, computeType, isQuantizedInference } from "./recipe.ts";

/** What a weight is stored as, and why. */
export interface WeightStorage {
  readonly type: WeightType;
  readonly reason: string;
}

/** The header's data type. */
export function headerType({ rules, inference }: BoltPrecision): BoltDataType {
  if (inference === "INT8") return "I8";
  if (inference === "INT4") return "I4";
  const compute = computeType(inference);
  if (!isQuantizedInference(inference)) return compute;
  return rules === "1.3.0" || inference.startsWith("INT8_") ? `${compute}_8Q` : "I8";
}

/**
 * Decides how the weight of `node` is stored; `inInt8` says whether the operator computes in int8. `node` undefined: the
 * record belongs to no operator.
 */
export function storageOf(
  record: BoltWeight,
  node: BoltNode | undefined,
  inInt8: boolean,
  precision: BoltPrecision,
): WeightStorage {
  if (!isFloatType(record.dataType)) return { type: "integers", reason: "not made of float numbers" };
  if (!isFloatType(declaredType(record, node))) return { type: "integers", reason: "declared as integers" };
  return precision.rules === "1.3.0" ? olderStorage(node, inInt8, precision) : newerStorage(inInt8, precision);
}

function isFloatType(type: BoltDataType): boolean {
  return type === "F32" || type === "F16";
}

/** A shared weight's own description may say that its float numbers stand for integers. */
function declaredType(record: BoltWeight, node: BoltNode | undefined): BoltDataType {
  return node?.type === "SharedWeight" ? node.data.parameters.description("desc").dataType : record.dataType;
}

/** model_data_type_converter.cpp of tag v1.3.0. */
function olderStorage(
  node: BoltNode | undefined,
  inInt8: boolean,
  { inference, storage }: BoltPrecision,
): WeightStorage {
  const computed = floatType(inference);
  if (storage === "NOQUANT") return { type: computed, reason: "storage is not quantized" };
  if (storage === "FP16") return { type: "float16", reason: "storage is fp16" };
  if (node === undefined) return { type: computed, reason: "it belongs to no operator" };
  if (inInt8) return { type: "int8", reason: "its operator computes in int8" };
  if (storage === "MIX") return { type: computed, reason: "its operator computes in float" };
  return { type: "int8", reason: "int8 storage for an operator that computes in float" };
}

/** model_data_type_converter.cpp of today. */
function newerStorage(inInt8: boolean, { inference, storage }: BoltPrecision): WeightStorage {
  if (storage === "NOQUANT") return { type: floatType(inference), reason: "storage is not quantized" };
  const plain = storage === "FP32" ? "float32" : storage === "FP16" ? "float16" : undefined;
  const asWished: WeightStorage | undefined =
    plain === undefined ? undefined : { type: plain, reason: `storage is ${storage.toLowerCase()}` };
  if (!isQuantizedInference(inference))
    return asWished ?? { type: "int8", reason: "int8 storage for a network that computes in float" };
  if (inInt8) {
    const fourBit = inference === "INT4" || storage === "INT4";
    return { type: fourBit ? "int4" : "int8", reason: "its operator computes in int8" };
  }
  if (storage === "MIX") return { type: floatType(inference), reason: "its operator computes in float" };
  return asWished ?? { type: "int8", reason: "int8 storage for an operator that computes in float" };
}

function floatType(inference: BoltInference): "float32" | "float16" {
  return computeType(inference) === "F16" ? "float16" : "float32";
}

/** How a record is written in the file. */
export interface RecordTypes {
  readonly weight: BoltDataType;
  /** Type of the vector (bias, beta, variance); undefined: left as it is. */
  readonly vector: "F32" | "F16" | undefined;
}

/** The file's own types for a weight that is stored as `type`. `asBolt`: also where Bolt's reader takes them for something else. */
export function recordTypes(
  record: BoltWeight,
  node: BoltNode | undefined,
  type: WeightType,
  precision: BoltPrecision,
  asBolt: boolean,
): RecordTypes {
  if (type === "integers")
    return { weight: declaredType(record, node), vector: isFloatType(record.dataType) ? "F32" : undefined };
  const weight =
    type === "float32"
      ? "F32"
      : type === "float16"
        ? "F16"
        : type === "int4"
          ? "I4"
          : int8Type(node, precision, asBolt);
  return { weight, vector: vectorTypeOf(weight, precision, node) };
}

/** Int8 numbers are to be computed with, or a way of storing that the reader widens. */
function int8Type(
  node: BoltNode | undefined,
  { rules, inference, storage }: BoltPrecision,
  asBolt: boolean,
): BoltDataType {
  const floatNetwork = !isQuantizedInference(inference);
  if (node !== undefined && !isFloat(node)) return "I8";
  const widened = `${computeType(inference)}_8Q` as const;
  if (rules === "1.3.0") return floatNetwork && !asBolt ? "I8" : widened;
  if (floatNetwork) return storage === "MIX" ? "I8" : widened;
  // The reader of a float16 int8 network widens F32_8Q, not F16_8Q.
  return "F32_8Q";
}

/** Whether an operator is labelled as float, or not at all. */
function isFloat(node: BoltNode): boolean {
  return !hasSlots(node) && (!isLabelled(node) || firstSlot(node) === "float" || node.data.scales[0]!.length === 0);
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
const TYPED_PARAMETERS: Readonly<Record<string, readonly ParameterName[]>> = {
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
