import { expect, it } from "vitest";
import { quantizeInt4 } from "./int4.ts";

function packed(values: number[], largest: number): number[] {
  const target = new Uint8Array(Math.ceil(values.length / 2));
  quantizeInt4(Float32Array.from(values), largest, target);
  return [...target];
}

it("packs levels 0 to 14, the first in the low half", () => {
  expect(packed([-7, -6, 0, 7], 7)).toEqual([0x10, 0xe7]);
});

it("rounds the middle to the even level", () => {
  expect(packed([0.5, 1.5, -0.5, -2.5], 7)).toEqual([0x97, 0x57]);
});

it("fills the last half byte of an odd count with a zero", () => {
  expect(packed([7, 7, 7], 7)).toEqual([0xee, 0x7e]);
});

it("takes a tensor of zeros", () => {
  expect(packed([0, 0, 0], 0)).toEqual([0x77, 0x77]);
});
