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

/** Mean of the diagonal. */
export function meanDiagonal(matrix: ArrayLike<number>, size: number): number {
  let sum = 0;
  for (let index = 0; index < size; index++) sum += matrix[index * size + index]!;
  return sum / size;
}
