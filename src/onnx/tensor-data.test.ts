import { describe, expect, it } from "vitest";
import { normalValues } from "../../test/models/values.ts";
import type { ElementType } from "../graph/tensor.ts";
import {
  encodedTensor,
  float32Of,
  floatTensor,
  int64Of,
  integersOf,
  numberPieces,
  numbersOf,
  tensorOf,
} from "./tensor-data.ts";

describe("numbers of a tensor", () => {
  const types: readonly (readonly [ElementType, readonly number[]])[] = [
    ["float32", [1.5, -2, 0]],
    ["float64", [1.1, -2, 2 ** 60]],
    ["float16", [1.5, -2, 65504]],
    ["bfloat16", [1.5, -2, 2 ** 100]],
    ["int8", [-128, 0, 127]],
    ["uint16", [0, 1, 65535]],
    ["int32", [-(2 ** 31), 0, 7]],
    ["int64", [-(2 ** 53), 0, 2 ** 53]],
    ["uint64", [0, 1, 2 ** 53]],
    ["bool", [0, 1, 1]],
  ];
  for (const [type, values] of types) {
    it(`are what was encoded as ${type}`, async () => {
      expect(Array.from(await numbersOf(encodedTensor(type, [3], values)))).toEqual(values);
    });
  }

  it("are unpacked, the first in the low bits, without the padding", async () => {
    const of = async (type: ElementType, count: number, ...bytes: number[]) =>
      Array.from(await numbersOf(tensorOf(type, [count], Uint8Array.from(bytes))));
    expect(await of("int4", 3, 0x8f, 0x07)).toEqual([-1, -8, 7]);
    expect(await of("uint4", 3, 0x8f, 0x07)).toEqual([15, 8, 7]);
    expect(await of("int2", 5, 0b11_10_01_00, 0b01)).toEqual([0, 1, -2, -1, 1]);
  });

  it("are read as float32 or whole, in an array of their own", async () => {
    const tensor = floatTensor([2], [0.1, 3]);
    (await float32Of(tensor))[0] = 7;
    expect([...(await float32Of(tensor))]).toEqual([Math.fround(0.1), 3]);
    expect(await integersOf(encodedTensor("int64", [2], [-1, 2 ** 63]))).toEqual([-1, 2 ** 63]);
    expect(int64Of(2 ** 63)).toBe(2n ** 63n - 1n);
  });

  it("come piece by piece as they come at once", async () => {
    const values = normalValues(600_001);
    let count = 0;
    for await (const piece of numberPieces(floatTensor([values.length], values))) {
      expect(piece).toEqual(values.subarray(count, count + piece.length));
      count += piece.length;
    }
    expect(count).toBe(600_001);
    const nibbles: number[] = [];
    const packed = tensorOf("uint4", [5], Uint8Array.of(0x21, 0x43, 0x05));
    for await (const piece of numberPieces(packed)) nibbles.push(...Array.from(piece));
    expect(nibbles).toEqual([1, 2, 3, 4, 5]);
  });

  it("are refused for what is no number", async () => {
    await expect(numbersOf(tensorOf("complex64", [1], new Float32Array(2)))).rejects.toThrow(
      "elements of type complex64 cannot be read as numbers",
    );
    expect(() => encodedTensor("int4", [1], [1])).toThrow("elements of type int4 cannot be made of numbers");
  });
});
