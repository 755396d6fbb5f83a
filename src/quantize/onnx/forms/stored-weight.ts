import { elementCount, type Tensor } from "../../../graph/tensor.ts";
import { BoltqError } from "../../../io/error.ts";
import type { OnnxValue } from "../../../onnx/model.ts";
import type { WeightPlan } from "../../plan.ts";
import { finiteValues } from "../finite-weights.ts";
import { type BlockLayout, blockCodes, blockSizes, packedBlocks } from "./block-codes.ts";
import { madeTogether } from "./made-together.ts";
import { channelMatrix, channelRows, copyRows, turnInto, wholeRow } from "./matrix-rows.ts";
import { quantizeRuns, type ScaleMethod } from "./run-kernel.ts";
import type { SharedWork } from "./shared-work.ts";

/**
 * A matrix as int8 codes, or uint8 ones around 128, with a float32 scale for each channel or one; made when it is written.
 * Its channels lie along axis `along`, wherever they lay.
 */
export function channelCodes(
  shared: SharedWork,
  weight: OnnxValue,
  plan: WeightPlan,
  along: 0 | 1,
): { readonly codes: Tensor; readonly scales: Tensor } {
  const { shape } = weight.constant!;
  const { operator, granularity, largest, method, inputFactors } = plan;
  const type = plan.type === "uint8" ? "uint8" : "int8";
  const scaleCount = granularity === "per-channel" ? shape[plan.axis]! : 1;
  const size = elementCount(shape);
  const key = `${operator} along ${along} ${granularity} ${largest} ${method} ${inputFactors}`;
  const [codes, scales] = madeTogether([size, 4 * scaleCount], async () => {
    const made = await shared.codes(key, size, () => int8Codes(weight, plan, along));
    const stored = type === "int8" ? made.codes : made.codes.map((code) => code ^ 0x80);
    return [stored, new Uint8Array(made.scales.buffer)];
  });
  return {
    codes: { type, shape: along === plan.axis ? shape : shape.toReversed(), data: codes! },
    scales: { type: "float32", shape: granularity === "per-channel" ? [scaleCount] : [], data: scales! },
  };
}

async function int8Codes(
  weight: OnnxValue,
  plan: WeightPlan,
  along: 0 | 1,
): Promise<{ readonly codes: Uint8Array; readonly scales: Float32Array }> {
  const matrix = channelMatrix(weight, plan.axis, plan.inputFactors);
  const { rows: channels, columns } = matrix;
  const isPerChannel = plan.granularity === "per-channel";
  const rows = isPerChannel ? channelRows(matrix) : wholeRow(matrix);
  const stride = isPerChannel ? rows.stride : columns;
  const [codes, scales] = [new Uint8Array(channels * columns), new Float32Array(rows.rows)];
  const options = { middle: plan.largest + 1, method: scaleMethod(plan), format: "int8" } as const;
  const areFinite = await quantizeRuns(rows, options, (some, found, first) => {
    scales.set(found, first);
    const count = isPerChannel ? found.length : channels;
    if (along === 0)
      copyRows(codes.subarray(first * columns), columns, some.subarray(0, count * stride), stride, columns);
    else turnInto(codes.subarray(first), channels, some, stride, [count, columns]);
  });
  if (!areFinite) await finiteValues(weight);
  return { codes, scales };
}

/** How scales are found. */
export function scaleMethod({ method }: WeightPlan): ScaleMethod {
  return method === "mse" ? "mse" : "max";
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
export function storedBlocks(shared: SharedWork, weight: OnnxValue, plan: WeightPlan): StoredBlocks {
  const layout = blockLayout(weight, plan);
  const { rows, columns, block, bits } = layout;
  const blocks = Math.ceil(columns / block);
  const [codeBytes, ...others] = blockSizes(layout);
  const [codes, scales, zeroPoints] = madeTogether(
    [codeBytes, ...others].filter((length) => length > 0),
    async () => {
      const key = `${plan.operator} ${JSON.stringify(layout)} ${plan.inputFactors}`;
      const made =
        plan.codes === undefined
          ? await shared.codes(key, codeBytes, () =>
              blockCodes(channelMatrix(weight, plan.axis, plan.inputFactors), layout),
            )
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

function blockLayout({ constant }: OnnxValue, plan: WeightPlan): BlockLayout {
  const { axis, block, type, symmetric = true } = plan;
  const [rows, columns] = axis === 0 ? constant!.shape : constant!.shape.toReversed();
  const bits = type === "int4" || type === "uint4" ? 4 : 8;
  return { rows: rows!, columns: columns!, block: block!, bits, symmetric, method: scaleMethod(plan) };
}

/** The codes of a plan with the channels as rows. */
function codeRows({ name, constant }: OnnxValue, { axis }: WeightPlan, codes: Int8Array): Int8Array {
  if (codes.length !== elementCount(constant!.shape))
    throw new BoltqError("mismatch", "the plan was made for another model", { subject: `weight "${name}"` });
  if (axis === 0) return codes;
  const [rows, columns] = constant!.shape as [number, number];
  const turned = new Int8Array(codes.length);
  turnInto(turned, rows, codes, columns, [rows, columns]);
  return turned;
}
