import { expect, it } from "vitest";
import { bfloat16ToFloat32, float32ToBfloat16 } from "./bfloat16.ts";
import { byteLength, ELEMENT_BITS, elementCount, fittedShape } from "./tensor.ts";

it("counts elements and bytes", () => {
  expect(elementCount([])).toBe(1);
  expect(elementCount([2, 3, 4])).toBe(24);
  expect(elementCount([2, 0, 4])).toBe(0);
  expect(byteLength("float32", 3)).toBe(12);
  expect(byteLength("int4", 3)).toBe(2);
  expect(byteLength("uint2", 5)).toBe(2);
  expect(byteLength("bool", 5)).toBe(5);
  expect(byteLength("complex128", 2)).toBe(32);
  expect(ELEMENT_BITS.string).toBe(0);
});

it("rounds to bfloat16, ties to even", () => {
  expect(float32ToBfloat16(1)).toBe(0x3f80);
  expect(float32ToBfloat16(1 + 2 ** -8)).toBe(0x3f80);
  expect(float32ToBfloat16(1 + 3 * 2 ** -8)).toBe(0x3f82);
  expect(float32ToBfloat16(Math.fround(1 + 2 ** -8 + 2 ** -23))).toBe(0x3f81);
  expect(float32ToBfloat16(-2.5)).toBe(0xc020);
  expect(float32ToBfloat16(3.4028234e38)).toBe(0x7f80);
  expect(float32ToBfloat16(Number.NEGATIVE_INFINITY)).toBe(0xff80);
  expect(bfloat16ToFloat32(float32ToBfloat16(Number.NaN))).toBeNaN();
  expect(bfloat16ToFloat32(0x3f81)).toBe(1 + 2 ** -7);
  expect(bfloat16ToFloat32(0xc020)).toBe(-2.5);
});

it("adds and drops leading dimensions of 1 to have a rank, and no others", () => {
  expect(fittedShape([3, 4], 4)).toEqual([1, 1, 3, 4]);
  expect(fittedShape([1, 1, 3, 4], 2)).toEqual([3, 4]);
  expect(fittedShape([2, 3, 4], 2)).toEqual([2, 3, 4]);
  expect(fittedShape([1, 3, 4], 3)).toEqual([1, 3, 4]);
  expect(fittedShape([1, 3, 4], undefined)).toEqual([1, 3, 4]);
});
