import { describe, expect, it } from "vitest";
import { denseTensor } from "../graph/dense-values.ts";
import { TensorError, type TensorErrorSummary } from "./tensor-error.ts";

const { NaN: none, POSITIVE_INFINITY: infinite, NEGATIVE_INFINITY: negative } = Number;

function errorOf(reference: readonly number[], other: readonly number[], rows = 1): TensorErrorSummary {
  const error = new TensorError();
  const tensor = (values: readonly number[]) => denseTensor("float32", [rows, values.length / rows], values);
  error.add(tensor(reference), tensor(other));
  return error.summary();
}

describe("the error of a tensor", () => {
  it("is the power of the difference", () => {
    const { decibels, cosine, largestDifference, broken } = errorOf([3, 4], [3, 4.5]);
    expect(decibels).toBeCloseTo(20, 10); // 10 × log10(25 / 0.25)
    expect(cosine).toBeCloseTo(27 / (5 * Math.hypot(3, 4.5)), 12);
    expect(largestDifference).toBe(0.5);
    expect(broken).toBe(0);
  });

  it("adds up over samples", () => {
    const error = new TensorError();
    for (const other of [[1], [0]]) error.add(denseTensor("float32", [1], [1]), denseTensor("float32", [1], other));
    expect(error.summary()).toMatchObject({ samples: 2, largestDifference: 1 });
    expect(error.summary().decibels).toBeCloseTo(10 * Math.log10(2), 12);
  });

  it("is none where the two are equal, zeros and infinities included", () => {
    const equal = { decibels: infinite, cosine: 1, largestDifference: 0, broken: 0 };
    expect(errorOf([1, 2], [1, 2])).toMatchObject(equal);
    expect(errorOf([0, 0], [0, -0])).toMatchObject(equal);
    expect(errorOf([1, none, infinite, negative], [1, none, infinite, negative])).toMatchObject(equal);
  });

  it("is −∞ dB where the reference is zero and the other is not", () => {
    expect(errorOf([0, 0], [0, 1])).toMatchObject({ decibels: negative, cosine: 0, broken: 0 });
  });

  it.each([
    [[1, 2], [1, none], 1],
    [[1, none], [1, 2], 1],
    [[1, 2], [1, infinite], 1],
    [[infinite, 2], [negative, 2], 1],
    [[none, infinite], [infinite, none], 2],
    [[1, 2], [none, none], 2],
  ])("names what is broken in one alone: %j, %j", (reference, other, broken) => {
    expect(errorOf(reference, other)).toMatchObject({ broken, decibels: negative, largestDifference: infinite });
  });

  it("is nothing that can be told for other sizes", () => {
    const error = new TensorError();
    expect(error.add(denseTensor("float32", [2], [1, 2]), denseTensor("float32", [3], [1, 2, 3]))).toBe(false);
    expect(error.summary().samples).toBe(0);
    expect(error.add(denseTensor("float32", [0], []), denseTensor("float32", [0], []))).toBe(true);
    expect(error.summary()).toMatchObject({ samples: 1, decibels: infinite });
  });
});

describe("the share of equal largest elements", () => {
  it("goes by rows, the first of equals", () => {
    const reference = [1, 2, 0, /**/ 5, 5, 1, /**/ 0, 0, 3, /**/ 9, 1, 1];
    const other = [0, 3, 1, /**/ 5, 4, 5, /**/ 0, 4, 3, /**/ 1, 9, 1];
    expect(errorOf(reference, other, 4).equalArgMax).toBe(0.5);
  });

  it("counts no row with NaN or +∞, also where it is in both", () => {
    const rows = [none, 1, /**/ 1, none, /**/ infinite, 1, /**/ negative, 1];
    expect(errorOf(rows, rows, 4).equalArgMax).toBe(0.25);
    expect(errorOf([1, 2, 3], [none, none, none]).equalArgMax).toBe(0);
    expect(errorOf([1, 2, 3], [1, 2, infinite]).equalArgMax).toBe(0);
  });
});
