import { expect, it } from "vitest";
import { fusedMultiplyAdd } from "./fused-multiply-add.ts";

/** The exact result as a ratio of integers, rounded to float32 by comparing it with the middle of its neighbours. */
function exactly(a: number, b: number, c: number): number {
  const scale = 2n ** 300n;
  const fixed = (value: number): bigint => {
    let [mantissa, exponent] = [value, 0];
    while (!Number.isInteger(mantissa)) {
      mantissa *= 2;
      exponent++;
    }
    return (BigInt(mantissa) * scale) / 2n ** BigInt(exponent);
  };
  const exact = (fixed(a) * fixed(b)) / scale + fixed(c);
  const near = Math.fround(a * b + c);
  const bits = new Int32Array(new Float32Array([near]).buffer)[0]!;
  const neighbours = [-1, 0, 1].map((step) => new Float32Array(Int32Array.of(bits + step).buffer)[0]!);
  const distance = (value: number) => {
    const gap = fixed(value) - exact;
    return gap < 0n ? -gap : gap;
  };
  const least = neighbours.map(distance).reduce((one, other) => (one < other ? one : other));
  const nearest = neighbours.filter((value) => distance(value) === least);
  return nearest.length === 1
    ? nearest[0]!
    : nearest.find((value) => (new Int32Array(new Float32Array([value]).buffer)[0]! & 1) === 0)!;
}

it("rounds once, also where the double sum falls on a tie", () => {
  let doubleRounded = 0;
  for (let index = 0; index < 20_000; index++) {
    const a = Math.fround((1 + ((index * 7919) % 8388608) / 8388608) * (index % 2 ? 1 : -1));
    const b = Math.fround(1 + ((index * 104729) % 8388608) / 8388608);
    const c = Math.fround(2 ** ((index % 60) - 10) * (1 + ((index * 31) % 997) / 1024));
    expect(fusedMultiplyAdd(a, b, c)).toBe(exactly(a, b, c));
    if (fusedMultiplyAdd(a, b, c) !== Math.fround(Math.fround(a * b) + c)) doubleRounded++;
  }
  expect(doubleRounded).toBeGreaterThan(0);
});
