import { describe, expect, it } from "vitest";
import { type OnnxModelInit, type OnnxOperator, onnxModel, typesOf } from "../../../test/models/onnx-model.ts";
import { largestDifference, outputsOf } from "../../../test/models/run.ts";
import { normalTensor } from "../../../test/models/values.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { floatTensor, integerTensor } from "../../onnx/tensor-data.ts";
import { lowerToBolt } from "./index.ts";

type Inputs = NonNullable<OnnxModelInit["inputs"]>;

/** One operator over inputs, then constants. */
function one(
  type: string,
  inputs: Inputs,
  constants: Readonly<Record<string, Tensor>> = {},
  attributes: OnnxOperator[3] = {},
  opset = 16,
): OnnxModelInit {
  const reads = [...Object.keys(inputs), ...Object.keys(constants)];
  return { opset, inputs, constants, operators: [[type, reads, "y", attributes]], outputs: ["y"] };
}

const einsum = (equation: string, ...shapes: readonly number[][]): OnnxModelInit =>
  one("Einsum", Object.fromEntries(shapes.map((shape, index) => [`x${index}`, shape])), {}, { equation });

const places = integerTensor([2, 3], [0, 2, 1, 1, 0, 2]);
const REGIONS = floatTensor([2, 4], [0, 0, 4, 5, 1, 2, 6, 6]);
const images = (...numbers: number[]) => integerTensor([2], numbers);

/** Models, and the Bolt operators that they become. */
const MODELS: Readonly<Record<string, readonly [OnnxModelInit, operators: string]>> = {
  ScatterElements: [
    one("ScatterElements", { x: [4, 3] }, { places, values: normalTensor([2, 3]) }),
    "SharedWeight SharedWeight Scatter",
  ],
  "ScatterElements along the last axis": [
    one("ScatterElements", { x: [2, 5] }, { places, values: normalTensor([2, 3]) }, { axis: -1 }),
    "SharedWeight SharedWeight Scatter",
  ],
  ScatterND: [
    one("ScatterND", { x: [4, 3] }, { at: integerTensor([2, 1], [3, 1]), values: normalTensor([2, 3]) }),
    "SharedWeight SharedWeight Scatter",
  ],
  CumSum: [one("CumSum", { x: [2, 3, 4] }, { axis: integerTensor([], [1]) }, { reverse: 1 }), "Cum"],
  "CumSum along the last axis": [
    one("CumSum", { x: [2, 3] }, { axis: integerTensor([], [-1]) }, { exclusive: 1 }),
    "Cum",
  ],
  GridSample: [one("GridSample", { x: [1, 2, 5, 5], g: [1, 3, 4, 2] }), "GridSample"],
  "GridSample of the nearest, by corners": [
    one(
      "GridSample",
      { x: [1, 2, 5, 5], g: [1, 3, 4, 2] },
      {},
      { mode: "nearest", align_corners: 1, padding_mode: "border" },
    ),
    "GridSample",
  ],
  OneHot: [
    {
      inputs: { x: [4] },
      constants: { depth: integerTensor([], [3]), values: floatTensor([2], [-1, 2]) },
      operators: [
        ["Cast", ["x"], "i", { to: 7 }],
        ["OneHot", ["i", "depth", "values"], "y", { axis: 0 }],
      ],
      outputs: ["y"],
    },
    "Cast OneHot",
  ],
  RoiAlign: [
    one("RoiAlign", { x: [1, 2, 8, 8] }, { r: REGIONS, i: images(0, 0) }, { output_height: 2, output_width: 3 }, 11),
    "SharedWeight RoIAlign",
  ],
  "RoiAlign of two images": [
    one(
      "RoiAlign",
      { x: [2, 2, 8, 8] },
      { r: REGIONS, i: images(1, 0) },
      { output_height: 2, coordinate_transformation_mode: "output_half_pixel", sampling_ratio: 2, mode: "max" },
    ),
    "SharedWeight SharedWeight RoIAlign",
  ],
  MaxUnpool: [
    {
      inputs: { x: [1, 2, 4, 6] },
      operators: [
        ["MaxPool", ["x"], ["m", "at"], { kernel_shape: [2, 2], strides: [2, 2] }],
        ["MaxUnpool", ["m", "at"], "y", { kernel_shape: [2, 2], strides: [2, 2] }],
      ],
      outputs: ["y"],
    },
    "Pooling UnPooling",
  ],
  "Einsum, matrices": [einsum("ij,jk->ik", [2, 3], [3, 4]), "MatMul"],
  "Einsum, turned": [einsum("ij,kj->ki", [2, 3], [4, 3]), "MatMul Transpose"],
  "Einsum of a batch": [einsum("bhqd,bhkd->bhqk", [2, 2, 3, 4], [2, 2, 5, 4]), "MatMul"],
  "Einsum without an inner axis": [einsum("bi,bj->bij", [2, 3], [2, 4]), "Reshape Reshape MatMul"],
  "Einsum of several inner axes": [einsum("ijk,jkl->il", [2, 3, 4], [3, 4, 5]), "Reshape Reshape MatMul"],
  "Einsum that sums": [einsum("ij,kl->k", [2, 3], [4, 2]), "Reduction Reduction Reshape Reshape MatMul Reshape"],
  "Einsum of one operand": [einsum("ijk->ki", [2, 3, 4]), "Reduction Transpose"],
  "Einsum of an implied output": [einsum("ba,cb", [2, 3], [4, 2]), "MatMul"],
  "Einsum of unnamed axes": [einsum("...ij,...jk->...ik", [2, 3, 4], [2, 4, 5]), "MatMul"],
};

const REFUSED: Readonly<Record<string, readonly [message: RegExp, model: OnnxModelInit]>> = {
  "regions moved by half a pixel": [
    /"y" \(RoiAlign\).*half pixel/,
    one("RoiAlign", { x: [1, 2, 8, 8] }, { r: REGIONS, i: images(0, 0) }),
  ],
  "a scatter that adds": [
    /"y" \(ScatterElements\).*reduction/,
    one("ScatterElements", { x: [4, 3] }, { places, values: normalTensor([2, 3]) }, { reduction: "add" }),
  ],
  "a diagonal": [/"y" \(Einsum\).*diagonal/, einsum("ii->i", [3, 3])],
  "three operands": [/"y" \(Einsum\).*two operands/, einsum("ij,jk,kl->il", [2, 3], [3, 4], [4, 5])],
  "cubic sampling": [
    /"y" \(GridSample\).*sampling/,
    one("GridSample", { x: [1, 2, 5, 5], g: [1, 3, 4, 2] }, {}, { mode: "bicubic" }),
  ],
};

describe("operators that place elements, in Bolt", () => {
  it.each(Object.entries(MODELS))("give the same numbers: %s", async (_, [init, operators]) => {
    const { model } = await lowerToBolt(onnxModel(init));
    expect(largestDifference(await outputsOf(model), await outputsOf(onnxModel(init)))).toBeLessThan(1e-5);
    expect(typesOf(model).join(" ")).toBe(operators);
  });

  it.each(Object.entries(REFUSED))("are refused: %s", async (_, [message, init]) => {
    await expect(lowerToBolt(onnxModel(init))).rejects.toThrow(message);
  });

  it.each([
    ["CumSum", one("CumSum", { x: [2, 3] }, { axis: integerTensor([], [1]) })],
    ["RandomUniformLike", one("RandomUniformLike", { x: [2, 3] })],
  ] as const)("stand in files of 1.3.0: %s", async (_, init) => {
    const { model } = await lowerToBolt(onnxModel(init), { version: 20220126 });
    expect(model.graph.nodes).toHaveLength(1);
  });

  it.each([
    ["along a third axis", one("CumSum", { x: [2, 3, 4] }, { axis: integerTensor([], [2]) })],
    ["of a normal distribution", one("RandomNormalLike", { x: [2, 3] })],
  ] as const)("are refused in files of 1.3.0: %s", async (_, init) => {
    await expect(lowerToBolt(onnxModel(init), { version: 20220126 })).rejects.toThrow(/1\.3\.0/);
  });

  it("draw numbers of a stated shape", async () => {
    const init: OnnxModelInit = {
      inputs: { x: [2, 3] },
      operators: [
        ["RandomUniform", [], "r", { shape: [2, 3], low: { float: 2 }, high: { float: 3 } }],
        ["Add", ["x", "r"], "y"],
      ],
      outputs: ["y"],
    };
    const { model } = await lowerToBolt(onnxModel(init));
    expect(typesOf(model)).toEqual(["Random", "Eltwise"]);
    expect(model.graph.nodes[0]!.data.parameters.list("value")).toEqual([3, 2]);
  });
});
