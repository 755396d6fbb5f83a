import { describe, expect, it } from "vitest";
import { type OnnxModelInit, onnxModel, typesOf } from "../../../test/models/onnx-model.ts";
import { largestDifference, outputsOf } from "../../../test/models/run.ts";
import { normalTensor } from "../../../test/models/values.ts";
import { integerTensor } from "../../onnx/tensor-data.ts";
import { lowerToBolt } from "./index.ts";

const CONVOLUTION = { w: normalTensor([8, 3, 3, 3]), b: normalTensor([8], 2) };

function convolved(init: Omit<OnnxModelInit, "inputs">): OnnxModelInit {
  return {
    ...init,
    inputs: { x: ["batch", 3, 6, 6] },
    constants: { ...CONVOLUTION, ...init.constants },
    operators: [["Conv", ["x", "w", "b"], "c", { pads: [1, 1, 1, 1] }], ...init.operators],
  };
}

/** What models become that calculate with shapes or constants. */
const FOLDED: Readonly<Record<string, { readonly model: OnnxModelInit; readonly types: readonly string[] }>> = {
  "a Reshape to a product of sizes": {
    model: convolved({
      constants: { one: integerTensor([1], [1]), four: integerTensor([1], [4]), first: integerTensor([1], [-1]) },
      operators: [
        ["Shape", ["c"], "shape"],
        ["Slice", ["shape", "one", "four"], "sizes"],
        ["ReduceProd", ["sizes"], "product"],
        ["Concat", ["first", "product"], "target", { axis: 0 }],
        ["Reshape", ["c", "target"], "y"],
      ],
      outputs: ["y"],
    }),
    types: ["Conv", "Reshape"],
  },
  "PyTorch's expand": {
    model: convolved({
      constants: { target: integerTensor([4], [-1, -1, 6, -1]), minusOne: integerTensor([1], [-1]) },
      operators: [
        ["Shape", ["target"], "rank"],
        ["ConstantOfShape", ["rank"], "ones", { value: { kind: "tensor", value: integerTensor([1], [1]) } }],
        ["Mul", ["ones", "minusOne"], "open"],
        ["Equal", ["target", "open"], "isOpen"],
        ["Where", ["isOpen", "ones", "target"], "sizes"],
        ["Expand", ["c", "sizes"], "y"],
      ],
      outputs: ["y"],
    }),
    types: ["Conv", "Expand"],
  },
  "a large weight behind a Transpose": {
    model: {
      inputs: { x: [1, 600] },
      constants: { w: normalTensor([500, 600]) },
      operators: [
        ["Transpose", ["w"], "turned", { perm: [1, 0] }],
        ["MatMul", ["x", "turned"], "y"],
      ],
      outputs: ["y"],
    },
    types: ["FC"],
  },
};

describe("lowering to Bolt", () => {
  it.each(Object.entries(FOLDED))("calculates beforehand what it can: %s", async (_, { model, types }) => {
    const expected = await outputsOf(onnxModel(model));
    const { model: bolt } = await lowerToBolt(onnxModel(model));
    expect(typesOf(bolt)).toEqual(types);
    expect(largestDifference(await outputsOf(bolt), expected)).toBeLessThan(1e-5);
  });

  it("notes which open dimensions it takes as 1, and leaves the others open", async () => {
    const init: OnnxModelInit = {
      inputs: { x: ["n", 4, "width"] },
      operators: [["Relu", ["x"], "y"]],
      outputs: ["y"],
    };
    const { model, notes } = await lowerToBolt(onnxModel(init));
    expect(model.inputDescriptions[0]!.dimensions.slice(1)).toEqual([4, 1]);
    expect(notes.map((text) => /^dimension \d/.exec(text)?.[0])).toEqual(["dimension 0", "dimension 2"]);
  });

  it("takes input shapes, and refuses those of no input", async () => {
    const init: OnnxModelInit = { inputs: { x: ["n", 4] }, operators: [["Relu", ["x"], "y"]], outputs: ["y"] };
    const { model, notes } = await lowerToBolt(onnxModel(init), { inputShapes: { x: [5, 4] } });
    expect(model.inputDescriptions[0]!.dimensions).toEqual([4, 5]);
    expect(notes).toEqual([]);
    await expect(lowerToBolt(onnxModel(init), { inputShapes: { z: [5, 4] } })).rejects.toThrow(/no input "z"/);
  });
});
