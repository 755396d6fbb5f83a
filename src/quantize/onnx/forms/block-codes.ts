import { finiteValues } from "../finite-weights.ts";
import { type ChannelMatrix, channelRows } from "./matrix-rows.ts";
import { quantizeRuns, type ScaleMethod } from "./run-kernel.ts";

/** Integer codes of a matrix in blocks along its rows, as MatMulNBits and GatherBlockQuantized store them. */
export interface BlockCodes {
  /** rows × blocks × (block × bits / 8) bytes, the first of two codes in the low bits; zero is 2^(bits−1). */
  readonly codes: Uint8Array;
  /** rows × blocks. */
  readonly scales: Float32Array;
  /** Zero points, rows × ⌈blocks × bits / 8⌉; none where they all are 2^(bits−1). */
  readonly zeroPoints: Uint8Array | undefined;
}

/** How numbers are put into blocks. */
export interface BlockLayout {
  readonly rows: number;
  /** Numbers in a row; the last block is filled with zeros. */
  readonly columns: number;
  readonly block: number;
  readonly bits: 4 | 8;
  readonly symmetric: boolean;
  readonly method: ScaleMethod;
}

/** How many bytes codes, scales and zero points take. */
export function blockSizes({ rows, columns, block, bits, symmetric }: BlockLayout): [number, number, number] {
  const blocks = Math.ceil(columns / block);
  return [(rows * blocks * block * bits) / 8, rows * blocks * 4, symmetric ? 0 : rows * Math.ceil((blocks * bits) / 8)];
}

/** Quantizes a matrix block by block. */
export async function blockCodes(matrix: ChannelMatrix, layout: BlockLayout): Promise<BlockCodes> {
  if (!layout.symmetric) return rangeCodes(matrix, layout);
  const { block, bits, method } = layout;
  const rows = channelRows(matrix, block);
  const [codeBytes] = blockSizes(layout);
  const codes = new Uint8Array(codeBytes);
  const scales = new Float32Array((rows.rows * rows.stride) / block);
  const options = { middle: 2 ** (bits - 1), method, format: bits === 4 ? "nibbles" : "uint8" } as const;
  const areFinite = await quantizeRuns(rows, options, (some, found, first) => {
    codes.set(some, (first * rows.stride * bits) / 8);
    scales.set(found, (first * rows.stride) / block);
  });
  if (!areFinite) await finiteValues(matrix.value);
  return { codes, scales, zeroPoints: undefined };
}

/** With zero points. */
async function rangeCodes(matrix: ChannelMatrix, layout: BlockLayout): Promise<BlockCodes> {
  await finiteValues(matrix.value);
  const { rows, block, bits, method } = layout;
  const { stride, load } = channelRows(matrix, block);
  const [codeBytes, scaleBytes, zeroBytes] = blockSizes(layout);
  const [codes, scales, zeroPoints] = [
    new Uint8Array(codeBytes),
    new Float32Array(scaleBytes / 4),
    new Uint8Array(zeroBytes),
  ];
  const blocks = stride / block;
  const zeroPlaces = (zeroBytes / Math.max(rows, 1)) * (8 / bits);
  const middle = 2 ** (bits - 1);
  const numbers = new Float32Array(stride);
  for (let row = 0; row < rows; row++) {
    (await load(row, 1))(numbers.fill(0));
    for (let place = 0; place < blocks; place++) {
      const { scale, zero } = rangeScale(numbers, place * block, (place + 1) * block, middle, method);
      scales[row * blocks + place] = scale;
      store(zeroPoints, row * zeroPlaces + place, zero, bits);
      const inverse = scale === 0 ? 0 : 1 / scale;
      for (let index = place * block; index < (place + 1) * block; index++) {
        const code = Math.min(Math.max(Math.round(numbers[index]! * inverse) + zero, 0), 2 * middle - 1);
        store(codes, row * stride + index, code, bits);
      }
    }
  }
  return { codes, scales, zeroPoints };
}

/** Puts codes around 0, rows × columns, and their scales, rows × blocks, as `blockCodes` does. */
export function packedBlocks(given: Int8Array, scales: readonly number[], layout: BlockLayout): BlockCodes {
  const { rows, columns, block, bits } = layout;
  const blocks = Math.ceil(columns / block);
  const codes = new Uint8Array(blockSizes(layout)[0]);
  const middle = 2 ** (bits - 1);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < blocks * block; column++) {
      const code = column < columns ? given[row * columns + column]! : 0;
      store(codes, row * blocks * block + column, (code + middle) & (2 * middle - 1), bits);
    }
  }
  return { codes, scales: Float32Array.from(scales), zeroPoints: undefined };
}

function store(target: Uint8Array, place: number, code: number, bits: 4 | 8): void {
  if (bits === 8) target[place] = code;
  else target[place >> 1]! |= code << (4 * (place & 1));
}

/** How one scale stores a run of numbers. */
interface FoundScale {
  readonly scale: number;
  readonly zero: number;
}

/** Shares of the whole range that candidates keep. */
const SHARES = Array.from({ length: 12 }, (_, step) => 1 - step / 40);

/** Scale and zero point over the range of the numbers, or the share of it with the least squared error. */
function rangeScale(
  weight: Float32Array,
  start: number,
  end: number,
  middle: number,
  method: BlockLayout["method"],
): FoundScale {
  let [low, high] = [0, 0];
  for (let index = start; index < end; index++) {
    low = Math.min(low, weight[index]!);
    high = Math.max(high, weight[index]!);
  }
  if (low === high) return { scale: 0, zero: middle };
  const most = 2 * middle - 1;
  let best: FoundScale = { scale: 0, zero: middle };
  let least = Number.POSITIVE_INFINITY;
  for (const share of method === "max" ? [1] : SHARES) {
    const scale = Math.fround(((high - low) * share) / most);
    const zero = Math.min(Math.max(Math.round((-low * share) / scale), 0), most);
    let error = 0;
    for (let index = start; index < end; index++) {
      const code = Math.min(Math.max(Math.round(weight[index]! / scale) + zero, 0), most);
      error += (weight[index]! - scale * (code - zero)) ** 2;
    }
    if (error < least) [best, least] = [{ scale, zero }, error];
  }
  return best;
}
