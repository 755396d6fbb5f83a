import { describe, expect, it } from "vitest";
import { activationScale, rangeOfCodes } from "./activation-scale.ts";

const { fround } = Math;

describe("scale and zero point", () => {
  it.each([
    ["uint8", false, 0, 2.55, fround(0.01), 0],
    ["uint8", false, -1, 1.55, fround(0.01), 100],
    ["uint8", false, -2.55, 0, fround(0.01), 255],
    ["int8", false, 0, 2.55, fround(0.01), -128],
    ["int8", false, -1, 1.55, fround(0.01), -28],
    ["uint8", true, -1, 2.54, fround(0.02), 128],
    ["int8", true, -2.54, 1, fround(0.02), 0],
    ["uint8", false, 0, 0, 1, 0],
    ["int8", true, 0, 0, 1, 0],
    ["uint8", false, 0, 1e-44, 2 ** -126, 0],
  ] as const)("of %s (symmetric: %s) from %f to %f", (type, symmetric, low, high, scale, zeroPoint) => {
    expect(activationScale({ low, high }, { type, symmetric })).toEqual({ scale, zeroPoint });
  });

  it.each([
    ["uint8", 0.5, 128, -64, 63.5],
    ["int8", 0.5, 0, -64, 63.5],
    ["uint8", 2, 0, 0, 510],
  ] as const)("of %s, %f and %i reach from %f to %f", (type, scale, zeroPoint, low, high) => {
    const range = rangeOfCodes(type, scale, zeroPoint);
    expect([range.low + 0, range.high]).toEqual([low, high]);
  });
});
