import { describe, expect, it } from "vitest";
import { normalValues } from "../../../test/models/values.ts";
import { float32OfBits, INFINITY_BITS, largestMagnitude, quantizeInt8, type TieRule } from "./int8.ts";
import { type Int8Kernel, KERNEL_NUMBERS, withInt8Kernel } from "./int8-kernel.ts";

function put(kernel: Int8Kernel, values: Float32Array): void {
  kernel.room.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}

async function byKernel(values: Float32Array, scale: number, ties: TieRule): Promise<Int8Array> {
  return withInt8Kernel(async (kernel) => {
    put(kernel!, values);
    return Int8Array.from(kernel!.quantize(values.length, scale, ties), (byte) => (byte << 24) >> 24);
  });
}

function byLoop(values: Float32Array, scale: number, ties: TieRule): Int8Array {
  const target = new Int8Array(values.length);
  quantizeInt8(values, scale, ties, target);
  return target;
}

/** Every middle of two integers that int8 has, with its neighbours, and what is no plain number. */
function middles(): Float32Array {
  const bits = new Int32Array(1);
  const number = new Float32Array(bits.buffer);
  const values = [0, -0, Number.NaN, 2 ** -149, -(2 ** -149), 127, -127, 0.49999997, -0.49999997];
  for (let middle = -126.5; middle <= 126.5; middle++) {
    for (const step of [-1, 0, 1]) {
      number[0] = middle;
      bits[0]! += step;
      values.push(number[0]!);
    }
  }
  return Float32Array.from(values);
}

describe("the vector loops of int8", () => {
  for (const ties of ["half-even", "half-away"] as const) {
    it(`round as the plain loop does, ${ties}`, async () => {
      expect(await byKernel(middles(), 1, ties)).toEqual(byLoop(middles(), 1, ties));
      for (const count of [1, 15, 16, 17, 1000, KERNEL_NUMBERS]) {
        const values = normalValues(count, count);
        const scale = Math.fround(127 / largestMagnitude(values));
        expect(await byKernel(values, scale, ties)).toEqual(byLoop(values, scale, ties));
      }
    });

    it(`give 0 for what is no number and for an endless weight, ${ties}`, async () => {
      const values = Float32Array.of(Number.POSITIVE_INFINITY, 1, Number.NEGATIVE_INFINITY, Number.NaN);
      expect([...(await byKernel(values, 0, ties))]).toEqual([0, 0, 0, 0]);
    });
  }

  it("find the largest magnitude, wherever it is and whatever lay in the room before", async () => {
    await withInt8Kernel(async (kernel) => {
      kernel!.room.fill(0x7f);
      for (const count of [1, 5, 16, 33, 100]) {
        for (let place = 0; place < count; place++) {
          const values = new Float32Array(count).fill(0.5);
          values[place] = -3.25;
          put(kernel!, values);
          expect(float32OfBits(kernel!.largestMagnitudeBits(count))).toBe(3.25);
        }
      }
      put(kernel!, Float32Array.of(1, Number.NaN));
      expect(kernel!.largestMagnitudeBits(2)).toBeGreaterThan(INFINITY_BITS);
    });
  });

  it("are not shared by works that take turns", async () => {
    await withInt8Kernel(async (one) => {
      await withInt8Kernel(async (other) => expect(other).not.toBe(one));
    });
  });
});
