import { expect, it } from "vitest";
import { float16ToFloat32, float32ToFloat16, narrowToFloat16, widenFromFloat16 } from "./float16.ts";

it("gives every float16 back unchanged", () => {
  const all = Uint16Array.from({ length: 0x10000 }, (_, bits) => bits).filter(
    (bits) => (bits & 0x7c00) !== 0x7c00 || (bits & 0x3ff) === 0,
  );
  const wide = new Float32Array(all.length);
  const narrow = new Uint16Array(all.length);
  widenFromFloat16(all, wide);
  narrowToFloat16(wide, narrow);
  expect(narrow).toEqual(all);
});

it("rounds to the nearer of two neighbours, ties to even, all over the range", () => {
  for (let bits = 0; bits < 0x7bff; bits++) {
    const low = float16ToFloat32(bits);
    const high = float16ToFloat32(bits + 1);
    const middle = (low + high) / 2;
    expect(float32ToFloat16(middle)).toBe(bits + (bits & 1));
    expect(float32ToFloat16(-middle)).toBe(0x8000 | (bits + (bits & 1)));
    expect(float32ToFloat16(Math.fround(low + (high - low) * 0.499))).toBe(bits);
    expect(float32ToFloat16(Math.fround(low + (high - low) * 0.501))).toBe(bits + 1);
  }
});

it("overflows at 65520 and keeps NaN", () => {
  expect(float32ToFloat16(65519.996)).toBe(0x7bff);
  expect(float32ToFloat16(65520)).toBe(0x7c00);
  expect(float32ToFloat16(-1e30)).toBe(0xfc00);
  expect(float16ToFloat32(float32ToFloat16(Number.NaN))).toBeNaN();
});
