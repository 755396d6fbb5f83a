import { byDiagonal, meanDiagonal, orderedFactor } from "../../refine/linear-algebra.ts";

/** Codes around 0, rows × columns, and scales, rows × blocks. */
export interface RoundedBlocks {
  readonly codes: Int8Array;
  readonly scales: Float32Array;
}

/** What keeps a Gram of few examples from trusting itself, as a share of its mean diagonal. */
const DAMPING = 0.03;

/** Scales that candidates put the number farthest from zero at, in codes beyond the lowest one. */
const FEW_CODES = Array.from({ length: 21 }, (_, step) => -1.6 + step / 5);
const MANY_CODES = [-1, -0.5, 0, 0.5, 2, 6];

/**
 * Rounds a matrix (rows × columns) to codes of `bits` with a scale for each `block` columns so that what it gives for the inputs
 * seen errs least: one column after the other, those of the largest inputs first, each with what makes up for the errors of
 * those before it (GPTQ: Frantar and others, 2023; by the Cholesky factor itself, from its end, so that no inverse is needed).
 * `gram`: Σ x·xᵀ of the inputs.
 */
export function roundBlocks(
  weight: Float32Array,
  gram: Float64Array,
  { rows, columns, block, bits }: { rows: number; columns: number; block: number; bits: 4 | 8 },
): RoundedBlocks {
  const importance = Float64Array.from({ length: columns }, (_, column) => gram[column * (columns + 1)]!);
  const order = byDiagonal(gram, columns);
  const factor = orderedFactor(gram, order, DAMPING * meanDiagonal(gram, columns) || 1)!;
  const blocks = Math.ceil(columns / block);
  const codes = new Int8Array(rows * columns);
  const scales = new Float32Array(rows * blocks);
  const errors = new Float64Array(columns);
  const middle = 2 ** (bits - 1);
  for (let row = 0; row < rows; row++) {
    const values = weight.subarray(row * columns, (row + 1) * columns);
    for (let place = 0; place < blocks; place++)
      scales[row * blocks + place] = weighedScale(values, importance, place * block, (place + 1) * block, middle);
    for (let place = columns - 1; place >= 0; place--) {
      const column = order[place]!;
      const scale = scales[row * blocks + Math.floor(column / block)]!;
      const start = place * columns;
      let sum = 0;
      for (let other = place + 1; other < columns; other++) sum += factor[start + other]! * errors[other]!;
      const wanted = values[column]! + sum / factor[start + place]!;
      const code = scale === 0 ? 0 : Math.min(Math.max(Math.round(wanted / scale), -middle), middle - 1);
      codes[row * columns + column] = code;
      errors[place] = values[column]! - scale * code;
    }
  }
  return { codes, scales };
}

/** The scale with the least error, squared and weighed by the inputs; its sign lets the number farthest from zero have the lowest code. */
function weighedScale(
  values: Float32Array,
  importance: Float64Array,
  from: number,
  to: number,
  middle: number,
): number {
  const end = Math.min(to, values.length);
  let extreme = 0;
  for (let index = from; index < end; index++)
    if (Math.abs(values[index]!) > Math.abs(extreme)) extreme = values[index]!;
  if (extreme === 0) return 0;
  let [best, most] = [-extreme / middle, 0];
  for (const step of middle <= 8 ? FEW_CODES : MANY_CODES) {
    const inverse = -(middle + step) / extreme;
    let [products, squares] = [0, 0];
    for (let index = from; index < end; index++) {
      const code = Math.min(Math.max(Math.round(values[index]! * inverse), -middle), middle - 1);
      products += importance[index]! * values[index]! * code;
      squares += importance[index]! * code * code;
    }
    if (squares === 0 || products * products <= most * squares) continue;
    most = (products * products) / squares;
    best = products / squares;
  }
  return Math.fround(best);
}
