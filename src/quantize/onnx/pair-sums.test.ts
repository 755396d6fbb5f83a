import { expect, it } from "vitest";
import { largestPairSums, MOST_PAIR_SUM } from "./pair-sums.ts";

it("pairs neighbours among the inputs of a channel", () => {
  const weight = Float32Array.of(1, 2, 3, 4, -1, 5, -2, -4);
  expect([...largestPairSums(weight, { channels: 2, inner: 4, kernel: 1 }, () => 10)]).toEqual([70, 60]);
});

it("pairs input channels at each position of a kernel", () => {
  const weight = Float32Array.of(1, 100, 2, 200);
  expect([...largestPairSums(weight, { channels: 1, inner: 4, kernel: 2 }, () => 1)]).toEqual([300]);
});

it("takes each element times the largest code that it meets", () => {
  expect([
    ...largestPairSums(Float32Array.of(3, 2), { channels: 1, inner: 2, kernel: 1 }, (index) => index * 7),
  ]).toEqual([14]);
});

it("leaves room for the rounding of two weights", () => {
  const scale = 100 / MOST_PAIR_SUM;
  const codes = [60.4, 39.6].map((share) => Math.round(share / 255 / scale));
  expect((codes[0]! + codes[1]!) * 255).toBeLessThan(2 ** 15);
});
