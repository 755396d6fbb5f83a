import { describe, expect, it } from "vitest";
import { type OnnxModelInit, type OnnxOperator, onnxModel } from "../../../test/models/onnx-model.ts";
import { largestDifference, outputsOf } from "../../../test/models/run.ts";
import { normalTensor } from "../../../test/models/values.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { floatTensor, integerTensor } from "../../onnx/tensor-data.ts";
import { lowerToBolt } from "./index.ts";

const GATES = { LSTM: 4, GRU: 3, RNN: 1 };
const [STEPS, BATCH, FEATURES] = [5, 2, 3];

interface Layer {
  readonly units?: number;
  readonly directions?: number;
  readonly hasBias?: boolean;
  readonly attributes?: NonNullable<OnnxOperator[3]>;
  /** Further inputs: of these the constants are given, the others are inputs of the model. */
  readonly more?: readonly string[];
  readonly constants?: Readonly<Record<string, Tensor>>;
  readonly inputs?: NonNullable<OnnxModelInit["inputs"]>;
  readonly outputs?: readonly string[];
  readonly behind?: readonly OnnxOperator[];
}

function layer(
  type: keyof typeof GATES,
  { units = 4, directions = 1, hasBias = true, ...rest }: Layer = {},
): OnnxModelInit {
  const { attributes = {}, more = [], constants = {}, inputs = {}, outputs = ["y"], behind = [] } = rest;
  const rows = GATES[type] * units;
  const all = { hidden_size: units, ...(directions === 2 ? { direction: "bidirectional" } : {}), ...attributes };
  return {
    opset: 14,
    inputs: { x: [STEPS, BATCH, FEATURES], ...inputs },
    constants: {
      w: normalTensor([directions, rows, FEATURES]),
      r: normalTensor([directions, rows, units], 2),
      b: normalTensor([directions, 2 * rows], 3),
      ...constants,
    },
    operators: [
      [type, ["x", "w", "r", hasBias ? "b" : "", ...more], behind.length > 0 ? ["sequence"] : outputs, all],
      ...behind,
    ],
    outputs,
  };
}

const state = [1, BATCH, 4];
const linear = { linear_before_reset: 1 };
const asPyTorch: readonly OnnxOperator[] = [
  ["Squeeze", ["sequence", "one"], "s"],
  ["Transpose", ["s"], "y", { perm: [1, 0, 2] }],
];
const asPyTorchTwice: readonly OnnxOperator[] = [
  ["Transpose", ["sequence"], "t", { perm: [0, 2, 1, 3] }],
  ["Reshape", ["t", "flat"], "s"],
  ["Transpose", ["s"], "y", { perm: [1, 0, 2] }],
];

/** Layers, and the Bolt operators that they become. */
const LAYERS: Readonly<Record<string, readonly [model: OnnxModelInit, operators?: string]>> = {
  LSTM: [layer("LSTM")],
  "LSTM of units that are padded": [layer("LSTM", { units: 6 })],
  "LSTM without bias": [layer("LSTM", { hasBias: false })],
  "LSTM of two directions": [layer("LSTM", { directions: 2, units: 8 })],
  "LSTM with states": [
    layer("LSTM", { more: ["", "h", "c"], inputs: { h: state, c: state }, outputs: ["y", "yh", "yc"] }),
  ],
  "LSTM with one state": [layer("LSTM", { more: ["", "h"], inputs: { h: state } })],
  "LSTM whose last cell alone is read": [layer("LSTM", { outputs: ["y", "yh", "yc"] })],
  "LSTM that starts from zeros": [
    layer("LSTM", { more: ["", "h"], constants: { h: floatTensor(state, new Array(8).fill(0)) } }),
  ],
  "LSTM that starts from a constant": [
    layer("LSTM", { more: ["", "", "c"], constants: { c: normalTensor(state, 4) } }),
  ],
  "LSTM, flattened": [
    layer("LSTM", { units: 8, constants: { one: integerTensor([1], [1]) }, behind: asPyTorch }),
    "Transpose RNN",
  ],
  "LSTM of two directions, flattened": [
    layer("LSTM", {
      units: 8,
      directions: 2,
      constants: { flat: integerTensor([3], [0, 0, -1]) },
      behind: asPyTorchTwice,
    }),
    "Transpose RNN",
  ],
  GRU: [layer("GRU")],
  "GRU with the product before the reset": [layer("GRU", { attributes: linear })],
  "GRU of two directions": [layer("GRU", { directions: 2, attributes: linear })],
  "GRU with a state": [layer("GRU", { more: ["", "h"], inputs: { h: state }, outputs: ["y", "yh"] })],
  RNN: [layer("RNN")],
  "RNN of two directions": [layer("RNN", { directions: 2 })],
};

const REFUSED: Readonly<Record<string, readonly [message: RegExp, model: OnnxModelInit]>> = {
  "layers that run backwards": [/"y" \(LSTM\).*backwards/, layer("LSTM", { attributes: { direction: "reverse" } })],
  "sequences of stated lengths": [
    /"y" \(GRU\).*equally long/,
    layer("GRU", { more: ["n"], inputs: { n: { type: "int32", shape: [BATCH] } } }),
  ],
  "states of two directions": [
    /"y" \(LSTM\).*two directions/,
    layer("LSTM", { directions: 2, more: ["", "h"], inputs: { h: [2, BATCH, 4] } }),
  ],
  "limited sums": [/"y" \(LSTM\).*limit/, layer("LSTM", { attributes: { clip: { float: 1 } } })],
};

describe("recurrent layers in Bolt", () => {
  it.each(Object.entries(LAYERS))("give the same numbers: %s", async (_, [init, operators]) => {
    const { model } = await lowerToBolt(onnxModel(init));
    expect(largestDifference(await outputsOf(model), await outputsOf(onnxModel(init)))).toBeLessThan(1e-5);
    if (operators !== undefined) expect(model.graph.nodes.map(({ type }) => type).join(" ")).toBe(operators);
  });

  it("take the batch first where the layer does", async () => {
    const [init] = LAYERS["LSTM, flattened"]!;
    const { constants = {} } = init;
    const batchFirst: OnnxModelInit = {
      ...init,
      inputs: { x: [BATCH, STEPS, FEATURES] },
      constants: { ...constants, two: integerTensor([1], [2]) },
      operators: [
        ["LSTM", ["x", "w", "r", "b"], "sequence", { hidden_size: 8, layout: 1 }],
        ["Squeeze", ["sequence", "two"], "y"],
      ],
    };
    const turned: OnnxModelInit = {
      ...init,
      inputs: { x: [BATCH, STEPS, FEATURES] },
      operators: [
        ["Transpose", ["x"], "t", { perm: [1, 0, 2] }],
        ["LSTM", ["t", "w", "r", "b"], "sequence", { hidden_size: 8 }],
        ...asPyTorch,
      ],
    };
    const { model } = await lowerToBolt(onnxModel(batchFirst));
    expect(model.graph.nodes.map(({ type }) => type)).toEqual(["RNN"]);
    expect(largestDifference(await outputsOf(model), await outputsOf(onnxModel(turned)))).toBeLessThan(1e-5);
  });

  it.each(Object.entries(REFUSED))("are refused: %s", async (_, [message, init]) => {
    await expect(lowerToBolt(onnxModel(init))).rejects.toThrow(message);
  });
});
