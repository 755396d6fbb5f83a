import { expect, it } from "vitest";
import { normalValues } from "../../../test/models/values.ts";
import { Value } from "../../graph/graph.ts";
import type { OnnxValue } from "../../onnx/model.ts";
import { floatTensor } from "../../onnx/tensor-data.ts";
import { type ChannelBlock, channelBlocks } from "./channel-blocks.ts";

const weightOf = (shape: readonly number[], values: Float32Array): OnnxValue =>
  new Value("w", { constant: floatTensor(shape, values) });

async function blocksOf(weight: OnnxValue, axis: number, together = false) {
  const blocks: ChannelBlock[] = [];
  for await (const block of channelBlocks(weight, axis, { together }))
    blocks.push({ ...block, values: block.values.slice() });
  return blocks;
}

// 4.2 million numbers: more than a block holds.
const [LONG, WIDE] = [3000, 1400];
const VALUES = normalValues(LONG * WIDE);

it("come one after the other, whichever axis the channels lie along", async () => {
  const rows = await blocksOf(weightOf([LONG, WIDE], VALUES), 0);
  expect(rows.map(({ first, layout }) => [first, layout])).toEqual([
    [0, { channels: 2995, inner: WIDE }],
    [2995, { channels: 5, inner: WIDE }],
  ]);
  expect(rows[1]!.values).toEqual(VALUES.subarray(2995 * WIDE));
  const columns = await blocksOf(weightOf([LONG, WIDE], VALUES), 1);
  expect(columns.map(({ first, layout }) => [first, layout])).toEqual([
    [0, { channels: 1398, inner: LONG }],
    [1398, { channels: 2, inner: LONG }],
  ]);
  expect(columns[1]!.values[LONG + 7]).toBe(VALUES[7 * WIDE + 1399]);
});

it("come as one where they are asked for together or lie apart", async () => {
  expect(await blocksOf(weightOf([LONG, WIDE], VALUES), 0, true)).toHaveLength(1);
  const [apart] = await blocksOf(
    weightOf(
      [2, 3, 2],
      Float32Array.from({ length: 12 }, (_, index) => index),
    ),
    1,
  );
  expect(apart).toMatchObject({ first: 0, layout: { channels: 3, inner: 2 } });
  expect([...apart!.values]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

it("names the element that is no number", async () => {
  const broken = VALUES.slice();
  broken[7 * WIDE + 1399] = Number.NaN;
  const place = 7 * WIDE + 1399;
  for (const axis of [0, 1])
    await expect(blocksOf(weightOf([LONG, WIDE], broken), axis)).rejects.toThrow(`it holds NaN at element ${place}`);
});
