import { expect, it } from "vitest";
import { normalValues } from "../../test/models/values.ts";
import { encodedTensor, floatTensor } from "./tensor-data.ts";
import { transposed } from "./turned-matrix.ts";

it("turns a matrix over blocks of columns, whichever part is read", async () => {
  const [rows, columns] = [70_000, 150]; // 59 columns a block
  const values = normalValues(rows * columns);
  const turned = transposed(floatTensor([rows, columns], values), rows, columns);
  const whole = new Float32Array((await turned.read()).slice().buffer);
  for (const [row, column] of [
    [0, 0],
    [69_999, 149],
    [12_345, 58],
    [12_345, 59],
    [0, 118],
  ] as const) {
    expect(whole[column * rows + row]).toBe(values[row * columns + column]);
  }
  const bytes = new Uint8Array(whole.buffer);
  for (const offset of [0, 4 * rows * 59 - 6, 4 * rows * 118 + 2]) {
    expect(await turned.read(offset, 13)).toEqual(bytes.subarray(offset, offset + 13));
  }
});

it("turns a float16 matrix to float32", async () => {
  const turned = transposed(encodedTensor("float16", [2, 3], [1, 2, 3, 4, 5, 6]), 2, 3);
  expect(turned.length).toBe(24);
  expect([...new Float32Array((await turned.read()).slice().buffer)]).toEqual([1, 4, 2, 5, 3, 6]);
});
