import { expect, it } from "vitest";
import { floatTensor } from "../../onnx/tensor-data.ts";
import { weightCodes } from "./weight-codes.ts";

const WEIGHT = floatTensor([2, 3, 2], [1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6]);

it.each([
  ["one scale", { channels: 2, inner: 6 }, [0.5], [2, 4, 6, 7, 7, 7, -2, -4, -6, -7, -7, -7]],
  ["a scale a row", { channels: 2, inner: 6 }, [1, 2], [1, 2, 3, 4, 5, 6, 0, -1, -2, -2, -2, -3]],
  ["a scale a column", { channels: 3, inner: 2 }, [1, 2, 3], [1, 2, 2, 2, 2, 2, -1, -2, -2, -2, -2, -2]],
])("codes with %s, whichever part is read", async (_, layout, scales, expected) => {
  const { type, shape, data } = weightCodes(WEIGHT, layout, scales, 7);
  expect([type, shape, data.length]).toEqual(["int8", [2, 3, 2], 12]);
  const codes = async (offset?: number, count?: number) => [
    ...new Int8Array((await data.read(offset, count)).slice().buffer),
  ];
  expect(await codes()).toEqual(expected);
  for (let offset = 0; offset < 12; offset++) expect(await codes(offset, 12 - offset)).toEqual(expected.slice(offset));
  expect(await codes(3, 4)).toEqual(expected.slice(3, 7));
});
