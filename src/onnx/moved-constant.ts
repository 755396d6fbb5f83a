import { permute } from "../graph/permute.ts";
import { ELEMENT_BITS, elementCount, type Tensor, type TensorType } from "../graph/tensor.ts";
import { madeBytes } from "../io/bytes.ts";
import { intsAttribute } from "./attributes.ts";
import type { OnnxNode, OnnxValue } from "./model.ts";
import { axesOf, isStatic } from "./shape-rules/dimensions.ts";
import { float32Of } from "./tensor-data.ts";

/** Arrays of unsigned elements by their bytes. */
const ARRAYS = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array } as const;

const KEEPS_ORDER: ReadonlySet<string> = new Set(["Reshape", "Flatten", "Squeeze", "Unsqueeze"]);
const WIDENED: ReadonlySet<string> = new Set(["float16", "bfloat16", "float64"]);

/**
 * The output, of the inferred `type`, of a node that only puts a constant into another shape, order or wider float type.
 * Its bytes are made when they are read, so it may be of any size. Undefined for other nodes.
 */
export function movedConstant(
  node: OnnxNode,
  type: TensorType | undefined,
  isConstant: (value: OnnxValue) => boolean,
): Tensor | undefined {
  const [input] = node.inputs;
  const constant = input?.constant;
  if (constant === undefined || !isConstant(input!) || node.data.domain !== "" || !isStatic(type?.shape))
    return undefined;
  const { shape } = type;
  if (KEEPS_ORDER.has(node.type)) return { ...constant, shape };
  if (node.type === "Transpose") return transposed(constant, shape, intsAttribute(node, "perm"));
  if (node.type !== "Cast" || type.type !== "float32" || !WIDENED.has(constant.type)) return undefined;
  const make = async () => new Uint8Array((await float32Of(constant)).buffer);
  return { type: "float32", shape, data: madeBytes(4 * elementCount(shape), make) };
}

function transposed(
  { type, shape, data }: Tensor,
  target: readonly number[],
  perm: readonly number[] | undefined,
): Tensor | undefined {
  const array = ARRAYS[(ELEMENT_BITS[type] / 8) as keyof typeof ARRAYS];
  if (array === undefined) return undefined;
  const axes = axesOf(perm ?? shape.map((_, axis) => shape.length - 1 - axis), shape.length);
  const make = async () => {
    const source = new array((await data.read()).slice().buffer);
    const result = new array(source.length);
    permute<number | bigint>(source, shape, axes, result);
    return new Uint8Array(result.buffer);
  };
  return { type, shape: target, data: madeBytes(data.length, make) };
}
