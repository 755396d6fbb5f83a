import { expect, it } from "vitest";
import { permute } from "./permute.ts";

it("puts the axes of a tensor in another order, and back", () => {
  const [shape, axes] = [
    [2, 3, 4],
    [2, 0, 1],
  ] as const;
  const source = Int32Array.from({ length: 24 }, (_, index) => index);
  const turned = new Int32Array(24);
  permute(source, shape, axes, turned);
  for (let i = 0; i < 2; i++)
    for (let j = 0; j < 3; j++)
      for (let k = 0; k < 4; k++) expect(turned[(k * 2 + i) * 3 + j]).toBe((i * 3 + j) * 4 + k);
  const back = new Int32Array(24);
  permute(turned, [4, 2, 3], [1, 2, 0], back);
  expect(back).toEqual(source);
});

it("leaves a scalar and nothing as they are", () => {
  const target: number[] = [];
  permute([7], [], [], target);
  expect(target).toEqual([7]);
  permute([], [0, 2], [1, 0], target);
  expect(target).toEqual([7]);
});
