import { type Dimension, elementCount } from "../../graph/tensor.ts";
import type { OnnxNode } from "../model.ts";
import { CONSTANT_LISTS, valueAttribute } from "../shape-rules/generation.ts";
import { numbersOf } from "../tensor-data.ts";
import type { StaticType } from "./evaluator.ts";
import { ROUNDINGS } from "./rounding.ts";

/** The elements of a Constant; undefined if they are no numbers. */
export async function constantElements(node: OnnxNode): Promise<readonly Dimension[] | undefined> {
  const tensor = valueAttribute(node);
  if (tensor !== undefined) return ROUNDINGS[tensor.type] && Array.from(await numbersOf(tensor));
  for (const [name, { value }] of node.data.attributes) {
    if (!Object.hasOwn(CONSTANT_LISTS, name)) continue;
    if (typeof value === "number") return [value];
    if (Array.isArray(value)) return value.filter((element) => typeof element === "number");
  }
  return undefined;
}

/** The elements of a ConstantOfShape of the type `output`; undefined if they are no numbers. */
export async function filledElements(node: OnnxNode, output: StaticType): Promise<readonly Dimension[] | undefined> {
  const tensor = valueAttribute(node);
  if (tensor !== undefined && (ROUNDINGS[tensor.type] === undefined || elementCount(tensor.shape) !== 1))
    return undefined;
  const value = tensor === undefined ? 0 : (await numbersOf(tensor))[0]!;
  return new Array<Dimension>(elementCount(output.shape)).fill(value);
}
