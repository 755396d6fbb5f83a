import { expect, it } from "vitest";
import { flatBuffer, type TableInit } from "../../../test/tflite-file.ts";
import { memoryBytes } from "../../io/bytes.ts";
import { FlatBuffer } from "../../io/flatbuffers.ts";
import { denseData } from "./sparse.ts";

const dense = (size: number): TableInit => ({ 1: { int32: size } });
/** A compressed axis with its segments as bytes, its indices as int32. */
const compressed = (segments: readonly number[], indices: readonly number[]): TableInit => ({
  0: { int8: 1 },
  2: { int8: 3 },
  3: { table: { 0: { bytes: Uint8Array.from(segments) } } },
  4: { int8: 1 },
  5: { table: { 0: { int32s: indices } } },
});

async function read(
  shape: readonly number[],
  order: number[],
  blocks: number[],
  levels: TableInit[],
  values: number[],
) {
  const file = flatBuffer({ 0: { int32s: order }, 1: { int32s: blocks }, 2: { tables: levels } });
  const table = await new FlatBuffer(memoryBytes(file)).root();
  const stored = memoryBytes(new Uint8Array(Float32Array.from(values).buffer));
  const bytes = await (await denseData(table, "float32", shape, stored)).read();
  return Array.from(new Float32Array(bytes.slice().buffer));
}

it("puts what is stored of each row at its place", async () => {
  const levels = [dense(3), compressed([0, 2, 2, 3], [0, 3, 1])];
  expect(await read([3, 4], [0, 1], [], levels, [1, 2, 3])).toEqual([1, 0, 0, 2, 0, 0, 0, 0, 0, 3, 0, 0]);
});

it("goes along the axes in the order that is stated", async () => {
  const levels = [dense(2), compressed([0, 1, 3], [1, 0, 2])];
  expect(await read([3, 2], [1, 0], [], levels, [1, 2, 3])).toEqual([0, 2, 1, 0, 0, 3]);
});

it("reads blocks: a row of two blocks of 2 x 2, the second stored", async () => {
  const levels = [dense(1), compressed([0, 1], [1]), dense(2), dense(2)];
  expect(await read([2, 4], [0, 1, 2, 3], [0, 1], levels, [1, 2, 3, 4])).toEqual([0, 0, 1, 2, 0, 0, 3, 4]);
});

it.each<[string, RegExp, Parameters<typeof read>]>([
  [
    "an index outside",
    /does not fit/,
    [[3, 4], [0, 1], [], [dense(3), compressed([0, 2, 2, 3], [0, 4, 1])], [1, 2, 3]],
  ],
  ["too few segments", /does not fit/, [[3, 4], [0, 1], [], [dense(3), compressed([0, 2], [0, 3, 1])], [1, 2, 3]]],
  [
    "fewer numbers than places",
    /are stored for/,
    [[3, 4], [0, 1], [], [dense(3), compressed([0, 2, 2, 3], [0, 3, 1])], [1]],
  ],
  ["an axis twice", /does not fit/, [[3, 4], [0, 0], [], [dense(3), compressed([0, 2, 2, 3], [0, 3, 1])], [1, 2, 3]]],
  ["another size", /does not fit/, [[3, 4], [0, 1], [], [dense(2), compressed([0, 2, 2, 3], [0, 3, 1])], [1, 2, 3]]],
  [
    "far more zeros than numbers",
    /far more/,
    [[2 ** 20, 4], [0, 1], [], [dense(2 ** 20), compressed([0, 1], [0])], [1]],
  ],
])("refuses %s", async (_, message, given) => {
  await expect(read(...given)).rejects.toThrow(message);
});
