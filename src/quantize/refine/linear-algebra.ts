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

/** Solves L · Lᵀ · x = `vector` in place. */
export function solveFactored(factor: Float64Array, size: number, vector: Float64Array): void {
  for (let row = 0; row < size; row++) {
    let sum = vector[row]!;
    for (let index = 0; index < row; index++) sum -= factor[row * size + index]! * vector[index]!;
    vector[row] = sum / factor[row * size + row]!;
  }
  for (let row = size - 1; row >= 0; row--) {
    const value = vector[row]! / factor[row * size + row]!;
    vector[row] = value;
    for (let index = 0; index < row; index++) vector[index]! -= factor[row * size + index]! * value;
  }
}

/** The inverse of a symmetric matrix; undefined when it is not positive definite. */
export function inverse(matrix: ArrayLike<number>, size: number): Float32Array | undefined {
  const factor = choleskyFactor(matrix, size);
  if (factor === undefined) return undefined;
  const inverted = new Float32Array(size * size);
  const unit = new Float64Array(size);
  for (let row = 0; row < size; row++) {
    unit.fill(0);
    unit[row] = 1;
    solveFactored(factor, size, unit);
    inverted.set(unit, row * size);
  }
  return inverted;
}

/** Mean of the diagonal. */
export function meanDiagonal(matrix: ArrayLike<number>, size: number): number {
  let sum = 0;
  for (let index = 0; index < size; index++) sum += matrix[index * size + index]!;
  return sum / size;
}
