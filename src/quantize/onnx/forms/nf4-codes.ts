import { finiteValues } from "../finite-weights.ts";
import { type ChannelMatrix, channelNumbers, channelRows } from "./matrix-rows.ts";
import { quantizeRunsToNf4, type Rows, type ScaleMethod } from "./run-kernel.ts";

/**
 * The numbers of a matrix as places in `NF4_STEPS`, the first of two in the high bits, with one scale for each `block` of
 * them; blocks run on from channel to channel.
 */
export async function nf4Codes(
  matrix: ChannelMatrix,
  block: number,
  method: ScaleMethod,
): Promise<{ readonly codes: Uint8Array; readonly scales: Float32Array }> {
  const count = matrix.rows * matrix.columns;
  const codes = new Uint8Array(Math.ceil(count / 2));
  const scales = new Float32Array(Math.ceil(count / block));
  const rows = matrix.columns % block === 0 ? channelRows(matrix, block) : await blocksOf(matrix, count, block);
  const { stride } = rows;
  const areFinite = await quantizeRunsToNf4(rows, method, (some, found, first) => {
    const start = (first * stride) / 2;
    codes.set(some.subarray(0, codes.length - start), start);
    scales.set(found, (first * stride) / block);
  });
  if (!areFinite) await finiteValues(matrix.value);
  return { codes, scales };
}

/** All blocks as rows. */
async function blocksOf(matrix: ChannelMatrix, count: number, block: number): Promise<Rows> {
  const all = await channelNumbers(matrix);
  const load: Rows["load"] = async (first, rows) => (target) =>
    target.set(all.subarray(first * block, (first + rows) * block));
  return { rows: Math.ceil(count / block), stride: block, run: block, load };
}
