import { permute } from "../../../graph/permute.ts";
import { elementCount, type Tensor } from "../../../graph/tensor.ts";
import { BoltqError } from "../../../io/error.ts";
import type { OnnxValue } from "../../../onnx/model.ts";
import type { WeightPlan } from "../../plan.ts";
import { finiteValues } from "../finite-weights.ts";
import { type BlockLayout, blockCodes, blockSizes, packedBlocks, symmetricScale } from "./block-codes.ts";
import { madeTogether } from "./made-together.ts";

/**
 * A matrix as int8 codes, or uint8 ones around 128, with a float32 scale for each channel or one; made when it is written.
 * Its channels lie along axis `along`, wherever they lay.
 */
export function channelCodes(
  weight: OnnxValue,
  plan: WeightPlan,
  along: 0 | 1,
): { readonly codes: Tensor; readonly scales: Tensor } {
  const { shape } = weight.constant!;
  const channels = shape[plan.axis]!;
  const scaleCount = plan.granularity === "per-channel" ? channels : 1;
  const rowShape = [channels, elementCount(shape) / Math.max(channels, 1)];
  const [codes, scales] = madeTogether([elementCount(shape), 4 * scaleCount], async () => {
    const rows = await rowsOf(weight, plan.axis);
    if (plan.inputFactors !== undefined) multiplyColumns(rows, plan.inputFactors);
    const made = rowCodes(rows, scaleCount, plan);
    if (along === 0) return made;
    const turned = new Uint8Array(rows.length);
    permute<number>(made[0], rowShape, [1, 0], turned);
    return [turned, made[1]];
  });
  return {
    codes: {
      type: plan.type === "uint8" ? "uint8" : "int8",
      shape: along === 0 ? rowShape : rowShape.toReversed(),
      data: codes!,
    },
    scales: { type: "float32", shape: plan.granularity === "per-channel" ? [scaleCount] : [], data: scales! },
  };
}

function multiplyColumns(rows: Float32Array, factors: readonly number[]): void {
  for (let start = 0; start < rows.length; start += factors.length)
    for (let column = 0; column < factors.length; column++) rows[start + column]! *= factors[column]!;
}

/** The codes of all rows and the bytes of their scales, `count` of which are shared out evenly. */
function rowCodes(rows: Float32Array, count: number, { type, largest, method }: WeightPlan): [Uint8Array, Uint8Array] {
  const codes = new Uint8Array(rows.length);
  const scales = new Float32Array(count);
  const [middle, shift] = [largest + 1, type === "uint8" ? 128 : 0];
  for (let place = 0; place < count; place++) {
    const [start, end] = [(place * rows.length) / count, ((place + 1) * rows.length) / count];
    const { scale } = symmetricScale(rows, start, end, middle, method === "mse" ? "mse" : "max");
    scales[place] = scale;
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let index = start; index < end; index++)
      codes[index] = Math.min(Math.max(Math.round(rows[index]! * inverse), -middle), largest) + shift;
  }
  return [codes, new Uint8Array(scales.buffer)];
}

/** Codes in blocks along what is summed over or looked up: channels × blocks × bytes, scales and zero points. */
export interface StoredBlocks {
  readonly codes: Tensor;
  readonly scales: Tensor;
  readonly zeroPoints: Tensor | undefined;
  readonly rows: number;
  readonly columns: number;
  readonly block: number;
  readonly bits: 4 | 8;
}

/** A matrix in blocks, its channels as rows; made when it is written. */
export function storedBlocks(weight: OnnxValue, plan: WeightPlan): StoredBlocks {
  const layout = blockLayout(weight, plan);
  const { rows, columns, block, bits } = layout;
  const blocks = Math.ceil(columns / block);
  const [codes, scales, zeroPoints] = madeTogether(
    blockSizes(layout).filter((length) => length > 0),
    async () => {
      const made =
        plan.codes === undefined
          ? blockCodes(await rowsOf(weight, plan.axis), layout)
          : packedBlocks(codeRows(weight, plan, plan.codes), plan.scales, layout);
      return [made.codes, new Uint8Array(made.scales.buffer), ...(made.zeroPoints ? [made.zeroPoints] : [])];
    },
  );
  return {
    codes: { type: "uint8", shape: [rows, blocks, (block * bits) / 8], data: codes! },
    scales: { type: "float32", shape: [rows, blocks], data: scales! },
    zeroPoints: zeroPoints && { type: "uint8", shape: [rows, zeroPoints.length / rows], data: zeroPoints },
    rows,
    columns,
    block,
    bits,
  };
}

function blockLayout(
  { constant }: OnnxValue,
  { axis, block, type, symmetric = true, method }: WeightPlan,
): BlockLayout {
  const [rows, columns] = axis === 0 ? constant!.shape : constant!.shape.toReversed();
  const bits = type === "int4" || type === "uint4" ? 4 : 8;
  return { rows: rows!, columns: columns!, block: block!, bits, symmetric, method: method === "mse" ? "mse" : "max" };
}

/** The codes of a plan with the channels as rows. */
function codeRows({ name, constant }: OnnxValue, { axis }: WeightPlan, codes: Int8Array): Int8Array {
  if (codes.length !== elementCount(constant!.shape))
    throw new BoltqError("mismatch", "the plan was made for another model", { subject: `weight "${name}"` });
  if (axis === 0) return codes;
  const turned = new Int8Array(codes.length);
  permute<number>(codes, constant!.shape, [1, 0], turned);
  return turned;
}

/** The numbers with the channels as rows. */
export async function rowsOf(weight: OnnxValue, axis: number): Promise<Float32Array> {
  const values = await finiteValues(weight);
  if (axis === 0) return values;
  const turned = new Float32Array(values.length);
  permute<number>(values, weight.constant!.shape, [1, 0], turned);
  return turned;
}
