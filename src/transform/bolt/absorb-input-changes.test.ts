import { describe, expect, it } from "vitest";
import { type BoltModelInit, boltModel } from "../../../test/models/bolt-model.ts";
import { typesOf } from "../../../test/models/onnx-model.ts";
import { absorbInputChanges } from "./absorb-input-changes.ts";
import { dropRetired } from "./pass.ts";

const transpose = (...axes: number[]) => ["Transpose", ["x"], "t", { axes, num_axes: axes.length }] as const;
const NEXT = ["Relu", ["t"], "y"] as const;
const IMAGE = { x: [1, 8, 9, 3] };

const CASES: readonly (readonly [string, BoltModelInit, string[], object])[] = [
  [
    "to channels first",
    { inputs: IMAGE, operators: [transpose(0, 3, 1, 2), NEXT], outputs: ["y"] },
    ["Relu"],
    { dimensions: [9, 8, 3, 1] },
  ],
  [
    "of the last two axes",
    { inputs: { x: [2, 8, 9] }, operators: [transpose(0, 2, 1), NEXT], outputs: ["y"] },
    ["Relu"],
    { dimensions: [8, 9, 2] },
  ],
  [
    "but no other",
    { inputs: IMAGE, operators: [transpose(0, 2, 3, 1), NEXT], outputs: ["y"] },
    ["Transpose", "Relu"],
    { dimensions: [3, 9, 8, 1] },
  ],
  [
    "unless others read the input",
    { inputs: IMAGE, operators: [transpose(0, 3, 1, 2), NEXT, ["Relu", ["x"], "z"]], outputs: ["y", "z"] },
    ["Transpose", "Relu", "Relu"],
    { dimensions: [3, 9, 8, 1] },
  ],
  [
    "and a cast to the type it has",
    { inputs: IMAGE, operators: [["Cast", ["x"], "t", { dt: "F32" }], NEXT], outputs: ["y"] },
    ["Relu"],
    { dataType: "F32" },
  ],
  [
    "but no cast to another",
    { inputs: IMAGE, operators: [["Cast", ["x"], "t", { dt: "I32" }], NEXT], outputs: ["y"] },
    ["Cast", "Relu"],
    { dataType: "F32" },
  ],
  [
    "and indices of a Gather become integers",
    { inputs: { d: [4, 3], x: [2] }, operators: [["Gather", ["d", "x"], "y"]], outputs: ["y"] },
    ["Gather"],
    { dataType: "U32" },
  ],
  [
    "and those of an Embedding with a weight",
    { inputs: { x: [2] }, operators: [["Embedding", ["x"], "y", {}, { weight: [1, 2] }]], outputs: ["y"] },
    ["Embedding"],
    { dataType: "U32" },
  ],
  [
    "but not without one",
    { inputs: { x: [2] }, operators: [["Embedding", ["x"], "y"]], outputs: ["y"] },
    ["Embedding"],
    { dataType: "F32" },
  ],
];

describe("what is done to an input first", () => {
  it.each(CASES)("is left to the caller: a transpose %s", async (_, init, types, description) => {
    const model = boltModel(init);
    const old = structuredClone(model.inputDescriptions);
    const changed = await absorbInputChanges(model, { asBolt: false });
    dropRetired(model);
    expect(typesOf(model)).toEqual(types);
    const place = Object.keys(init.inputs).indexOf("x");
    expect(model.inputDescriptions[place]).toMatchObject(description);
    expect(changed).toBe(
      JSON.stringify(model.inputDescriptions) !== JSON.stringify(old) || types.length < init.operators.length,
    );
    if (place > 0) expect(model.inputDescriptions[0]).toEqual(old[0]);
  });
});
