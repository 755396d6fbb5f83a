/** Square matrices are stored row by row, `size` numbers each. */

/**
 * L of matrix = L · Lᵀ, in the lower triangle of a copy; undefined when the matrix is not positive definite.
 */
export function choleskyFactor(matrix: ArrayLike<number>, size: number): Float64Array | undefined {
  const factor = Float64Array.from(matrix);
  for (let row = 0; row < size; row++) {
    const start = row * size;
    for (let column = 0; column <= row; column++) {
      const other = column * size;
      let sum = factor[start + column]!;
      for (let index = 0; index < column; index++) sum -= factor[start + index]! * factor[other + index]!;
      if (column < row) factor[start + column] = sum / factor[other + column]!;
      else if (sum > 0) factor[start + row] = Math.sqrt(sum);
      else return undefined;
    }
  }
  return factor;
}

/** L⁻¹ of a factor L, a whole matrix with zeros above its diagonal. */
export function inverseFactor(factor: Float64Array, size: number): Float32Array {
  const inverted = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    const start = row * size;
    for (let other = 0; other < row; other++) {
      const weight = factor[start + other]!;
      for (let column = 0; column <= other; column++)
        inverted[start + column]! -= weight * inverted[other * size + column]!;
    }
    const diagonal = factor[start + row]!;
    for (let column = 0; column < row; column++) inverted[start + column]! /= diagonal;
    inverted[start + row] = 1 / diagonal;
  }
  return Float32Array.from(inverted);
}

/**
 * Lᵀ of the matrix with its rows and columns in this order, `damping` added to its diagonal: row by row, so that all that is said of an entry
 * and those behind it lies in one piece. Undefined when the matrix is not positive definite.
 */
export function orderedFactor(
  matrix: ArrayLike<number>,
  order: Uint32Array,
  damping: number,
): Float64Array | undefined {
  const size = order.length;
  const ordered = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++)
      ordered[row * size + column] = matrix[order[row]! * size + order[column]!]!;
    ordered[row * (size + 1)]! += damping;
  }
  const lower = choleskyFactor(ordered, size);
  if (lower === undefined) return undefined;
  for (let row = 0; row < size; row++)
    for (let column = 0; column <= row; column++) ordered[column * size + row] = lower[row * size + column]!;
  return ordered;
}

/** The places of a square matrix's diagonal, from the least number there to the largest. */
export function byDiagonal(matrix: ArrayLike<number>, size: number): Uint32Array {
  const diagonal = Float64Array.from({ length: size }, (_, index) => matrix[index * (size + 1)]!);
  return Uint32Array.from(diagonal.keys()).sort((one, other) => diagonal[one]! - diagonal[other]! || one - other);
}

/** Mean of the diagonal. */
export function meanDiagonal(matrix: ArrayLike<number>, size: number): number {
  let sum = 0;
  for (let index = 0; index < size; index++) sum += matrix[index * size + index]!;
  return sum / size;
}
