import { describe, expect, it } from "vitest";
import { type BoltModelInit, boltModel } from "../../../test/models/bolt-model.ts";
import { eltwise, network } from "../../../test/models/bolt-pass.ts";
import { placeTensors } from "./place-tensors.ts";

const neg = (input: string, output: string) => ["Neg", [input], output] as const;

describe("memory slots", () => {
  it.each<[string, BoltModelInit, number[][]]>([
    [
      "are used again when the last reader is done",
      network([neg("x", "a"), neg("a", "b"), neg("b", "c"), neg("c", "y")]),
      [
        [0, 1],
        [1, 0],
        [0, 1],
        [1, 0],
      ],
    ],
    [
      "wait for the last reader",
      network([neg("x", "a"), neg("a", "b"), eltwise("SUM", ["a", "b"], "y")]),
      [
        [0, 1],
        [1, 0],
        [1, 0, 2],
      ],
    ],
    [
      "are never used again where they go out",
      network([neg("x", "a"), neg("a", "b"), neg("b", "y")], { outputs: ["a", "y"] }),
      [
        [0, 1],
        [1, 0],
        [0, 2],
      ],
    ],
    [
      "are shared by one name",
      network([neg("x", "a"), neg("a", "a"), neg("a", "y")]),
      [
        [0, 1],
        [1, 1],
        [1, 0],
      ],
    ],
    [
      "go to the longest lived output first",
      network([
        ["Slice", ["x"], ["a", "b"], { num_slice: 1, axis: 1, slice_points: [2] }],
        neg("a", "c"),
        eltwise("SUM", ["b", "c"], "y"),
      ]),
      [
        [0, 2, 1],
        [2, 0],
        [1, 0, 2],
      ],
    ],
    [
      "are not for what has memory of its own",
      network([["SharedWeight", [], "w"], eltwise("SUM", ["x", "w"], "y")]),
      [[-1], [0, -1, 1]],
    ],
  ])("%s", async (_, init, positions) => {
    const model = boltModel(init);
    expect(await placeTensors(model)).toBe(false);
    expect(model.graph.nodes.map(({ data }) => [...data.positions!])).toEqual(positions);
  });

  it("of a loop stay what they are from outside", async () => {
    const model = boltModel(
      network(
        [neg("x", "before"), neg("before", "start"), neg("start", "inside"), ["Repeat", ["start", "inside"], "y"]],
        {
          inputs: { x: [1] },
        },
      ),
    );
    await placeTensors(model);
    expect(model.graph.nodes.map(({ data }) => [...data.positions!])).toEqual([
      [0, -1],
      [-1, 0],
      [0, 1],
      [0, 1, -1],
    ]);
  });

  it("of a loop without a start are refused", async () => {
    const model = boltModel(network([neg("x", "a"), ["Repeat", ["x", "a"], "y"]]));
    await expect(placeTensors(model)).rejects.toMatchObject({ code: "invalid-graph" });
  });
});
