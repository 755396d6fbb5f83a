import { describe, expect, it } from "vitest";
import { type OnnxModelInit, onnxModel } from "../../../test/models/onnx-model.ts";
import { normalTensor } from "../../../test/models/values.ts";
import { placeQuantization } from "./placement.ts";
import { scaleGroups } from "./scale-groups.ts";

const CONSTANTS = { w: normalTensor([8, 8, 1, 1]), v: normalTensor([8, 16, 1, 1]) };
const conv = (input: string, output: string, weight = "w") => ["Conv", [input, weight], output] as const;

/** The names of each group of more than one value, its leader first. */
function groupsOf(operators: OnnxModelInit["operators"]): string[][] {
  const model = onnxModel({ inputs: { x: [1, 8, 4, 4] }, constants: CONSTANTS, operators, outputs: ["y"] });
  return scaleGroups(placeQuantization(model, { floatStem: false }))
    .filter(({ values }) => values.length > 1)
    .map(({ leader, values }) => [leader.name, ...values.filter((value) => value !== leader).map(({ name }) => name)]);
}

const JOINED = [conv("x", "a"), conv("x", "b"), ["Concat", ["a", "b"], "c", { axis: 1 }], conv("c", "d", "v")] as const;

describe("values with one scale", () => {
  it("are the parts of a Concat and the whole", () => {
    expect(groupsOf([...JOINED, ["Relu", ["d"], "y"]])).toEqual([["c", "a", "b"]]);
  });

  it("are not those parts that others read too", () => {
    expect(groupsOf([...JOINED, conv("a", "e"), ["Add", ["d", "e"], "y"]])).toEqual([["c", "b"]]);
  });

  it("are those before and behind an operator that moves numbers", () => {
    expect(groupsOf([conv("x", "a"), ["MaxPool", ["a"], "m", { kernel_shape: [2, 2] }], conv("m", "y")])).toEqual([
      ["a", "m"],
    ]);
  });

  it("are led by the value that an activation cuts", () => {
    expect(
      groupsOf([
        conv("x", "a"),
        ["MaxPool", ["a"], "m", { kernel_shape: [2, 2] }],
        ["Relu", ["m"], "r"],
        conv("r", "y"),
      ]),
    ).toEqual([["r", "a"]]);
  });

  it("are otherwise their own", () => {
    expect(groupsOf([conv("x", "a"), conv("a", "b"), ["Add", ["a", "b"], "c"], conv("c", "y")])).toEqual([]);
  });
});
