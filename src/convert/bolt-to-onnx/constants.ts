import { STORAGE_BITS } from "../../bolt/data-type.ts";
import type { BoltWeight } from "../../bolt/model.ts";
import type { BoltTensorDescription } from "../../bolt/tensor-description.ts";
import { readWeightValues } from "../../bolt/weight-values.ts";
import { elementCount, type Tensor } from "../../graph/tensor.ts";
import { BoltqError } from "../../io/error.ts";
import type { OnnxValue } from "../../onnx/model.ts";
import { tensorOf } from "../../onnx/tensor-data.ts";
import type { RaiseContext, RaiseTable } from "./raise-context.ts";
import { ELEMENT_TYPES, shapeOfDescription } from "./tensor-types.ts";
import { weightTensor } from "./weights.ts";

/** A constant that other operators read: the weight of this operator in the shape that its parameters state. */
async function raiseSharedWeight(context: RaiseContext): Promise<OnnxValue> {
  const description = context.parameters.description("desc");
  const tensor = await constantTensor(context.weight, description);
  return context.builder.constant(context.name, tensor);
}

async function constantTensor(record: BoltWeight, description: BoltTensorDescription): Promise<Tensor> {
  const shape = shapeOfDescription(description);
  const type = ELEMENT_TYPES[description.dataType];
  if (type === "float32" || record.dataType === "F32") return weightTensor(record, shape);
  const values = await readWeightValues(plainIntegers(record, description));
  const count = elementCount(shape);
  if (values.length < count) {
    throw new BoltqError("format", `its weight has ${values.length} elements, but ${count} are needed`, {
      subject: `operator "${record.operator}"`,
    });
  }
  const kept = values.subarray(0, count);
  if (type === "uint8") return tensorOf("uint8", shape, Uint8Array.from(kept));
  return tensorOf("int32", shape, Int32Array.from(kept));
}

/** An integer constant is stored as the type of its description, even where the record's type names a storage. */
function plainIntegers(record: BoltWeight, { dataType }: BoltTensorDescription): BoltWeight {
  return STORAGE_BITS[record.dataType] === STORAGE_BITS[dataType] ? { ...record, dataType } : record;
}

function raisePreAllocatedMemory(context: RaiseContext): OnnxValue {
  const { parameters } = context;
  const shape = shapeOfDescription(parameters.description("desc"));
  const value = parameters.has("value") ? parameters.number("value") : 0;
  const zero = context.scalar("value", value);
  return context.add("Expand", [zero, context.integers("shape", shape)]);
}

/** Random numbers: another draw than Bolt's, of the same distribution. Old files draw from an interval alone. */
function raiseRandom(context: RaiseContext): OnnxValue {
  const { parameters } = context;
  const [first, second] = parameters.list("value") as [number, number];
  const normal = parameters.has("mode") && parameters.name("mode") === "NORMAL";
  const attributes = normal
    ? { mean: { float: first }, scale: { float: second } }
    : { high: { float: Math.max(first, second) }, low: { float: Math.min(first, second) } };
  const type = normal ? "RandomNormal" : "RandomUniform";
  if (context.inputCount > 0) return context.add(`${type}Like`, [context.input()], { attributes });
  const shape = parameters.counted("shape", "num_shape");
  return context.add(type, [], { attributes: { ...attributes, shape } });
}

export const CONSTANTS: RaiseTable = {
  SharedWeight: raiseSharedWeight,
  PreAllocatedMemory: raisePreAllocatedMemory,
  Random: raiseRandom,
};
