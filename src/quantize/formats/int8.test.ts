import { describe, expect, it } from "vitest";
import { clampForInt8, largestInt8Error, largestMagnitude, quantizeInt8, type TieRule } from "./int8.ts";

/** The definition, without any trick: the float32 product, then the nearest integer. */
function roundedProduct(value: number, scale: number, ties: TieRule): number {
  const product = Math.fround(value * scale);
  const below = Math.floor(product);
  const middle = product - below === 0.5;
  if (!middle) return Math.round(product);
  if (ties === "half-even") return below % 2 === 0 ? below : below + 1;
  return product < 0 ? below : below + 1;
}

function quantized(values: Float32Array, scale: number, ties: TieRule): Int8Array {
  const target = new Int8Array(values.length);
  quantizeInt8(values, scale, ties, target);
  return target;
}

/** Normally spread numbers, the same for the same seed. */
function spread(count: number, seed: number): Float32Array {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
  return Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(6.28 * uniform()),
  );
}

describe("int8", () => {
  for (const ties of ["half-even", "half-away"] as const) {
    it(`rounds as defined, ${ties}, for any length`, () => {
      for (let count = 0; count < 40; count++) {
        const values = spread(count, count + 1);
        const scale = Math.fround(127 / largestMagnitude(values));
        const expected = [...values].map((value) => roundedProduct(value, scale, ties) | 0);
        expect([...quantized(values, scale, ties)]).toEqual(expected);
      }
    });

    it(`rounds every middle and its neighbours as defined, ${ties}`, () => {
      const bits = new Int32Array(1);
      const number = new Float32Array(bits.buffer);
      const values: number[] = [];
      for (let middle = -126.5; middle <= 126.5; middle++) {
        for (const step of [-1, 0, 1]) {
          number[0] = middle;
          bits[0] = bits[0]! + step;
          values.push(number[0]!);
        }
      }
      const expected = values.map((value) => roundedProduct(value, 1, ties) | 0);
      expect([...quantized(Float32Array.from(values), 1, ties)]).toEqual(expected);
    });
  }

  it("rounds the product to float32 before it rounds to an integer", () => {
    const values = spread(1_000_000, 3);
    const scale = Math.fround(127 / largestMagnitude(values));
    const target = quantized(values, scale, "half-even");
    const wrong = values.findIndex((value, index) => target[index] !== (roundedProduct(value, scale, "half-even") | 0));
    expect(wrong).toBe(-1);
  });

  it("gives 0 for a tensor of zeros, whose scale is infinite, and for what is no number", () => {
    expect([...quantized(new Float32Array(5), Number.POSITIVE_INFINITY, "half-even")]).toEqual([0, 0, 0, 0, 0]);
    expect([...quantized(Float32Array.of(Number.NaN, 1, -1), 3, "half-away")]).toEqual([0, 3, -3]);
  });

  it("finds the largest magnitude, past NaN, of any length", () => {
    for (let count = 0; count < 20; count++) {
      const values = spread(count, count + 9);
      expect(largestMagnitude(values)).toBe(Math.max(0, ...values.map(Math.abs)));
    }
    expect(largestMagnitude(Float32Array.of(-0, 0))).toBe(0);
    expect(largestMagnitude(Float32Array.of(1, Number.NaN, -7.5, 2))).toBe(7.5);
    expect(largestMagnitude(Float32Array.of(1, Number.NEGATIVE_INFINITY))).toBe(Number.POSITIVE_INFINITY);
  });

  it("keeps what is too large for a given scale at the ends", () => {
    const values = Float32Array.of(-5, -1, 0.25, 1, 5);
    expect([...quantized(clampForInt8(values, 100), 100, "half-even")]).toEqual([-127, -100, 25, 100, 127]);
  });

  it("errs by at most half a step", () => {
    const values = spread(1000, 5);
    const scale = Math.fround(127 / largestMagnitude(values));
    const error = largestInt8Error(values, scale, "half-even");
    expect(error).toBeGreaterThan(0.4 / scale);
    expect(error).toBeLessThanOrEqual(0.5001 / scale);
  });
});
