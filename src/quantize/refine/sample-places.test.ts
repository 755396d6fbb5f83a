import { describe, expect, it } from "vitest";
import { type OnnxModelInit, onnxModel, operatorOf } from "../../../test/models/onnx-model.ts";
import { outputsOf as runOutputs } from "../../../test/models/run.ts";
import { normalInput, normalTensor } from "../../../test/models/values.ts";
import { denseTensor } from "../../graph/dense-values.ts";
import { float32Of } from "../../onnx/tensor-data.ts";
import { layoutOf } from "../onnx/refine/refinable-layers.ts";
import { inputsAt, outputsAt, positionsOf, samplePlaces, sideBySide } from "./sample-places.ts";

/** The operator `y` of a model as a layer. */
function layerOf(init: OnnxModelInit) {
  const layout = layoutOf(operatorOf(onnxModel(init), "y"))!;
  return { ...layout, index: 0, operator: "y", input: "x", output: "y" };
}

const conv = (
  x: readonly number[],
  w: readonly number[],
  attributes: Readonly<Record<string, number | string | readonly number[]>>,
): OnnxModelInit => ({
  inputs: { x },
  constants: { w: normalTensor(w) },
  operators: [["Conv", ["x", "w"], "y", attributes as Readonly<Record<string, number>>]],
  outputs: ["y"],
});

const matrix = (type: string, x: readonly number[], w: readonly number[], attributes = {}): OnnxModelInit => ({
  inputs: { x },
  constants: { w: normalTensor(w) },
  operators: [[type, ["x", "w"], "y", attributes]],
  outputs: ["y"],
});

describe("samples of a layer", () => {
  it.each<[string, OnnxModelInit]>([
    ["a convolution", conv([1, 3, 5, 6], [4, 3, 3, 3], {})],
    ["with padding on each side of its own", conv([1, 2, 5, 6], [4, 2, 3, 2], { pads: [1, 0, 2, 1] })],
    ["with strides", conv([1, 2, 7, 9], [4, 2, 3, 3], { strides: [2, 3], pads: [1, 1, 1, 1] })],
    ["with dilations", conv([1, 2, 9, 8], [4, 2, 3, 2], { dilations: [2, 3], pads: [2, 1, 2, 1] })],
    ["in groups, over a batch", conv([2, 4, 5, 5], [6, 2, 3, 3], { group: 2, pads: [1, 1, 1, 1] })],
    ["depthwise", conv([1, 4, 5, 5], [4, 1, 3, 3], { group: 4 })],
    ["padded before", conv([1, 2, 6, 7], [3, 2, 3, 4], { auto_pad: "SAME_LOWER", strides: [2, 1] })],
    ["padded behind", conv([1, 2, 6, 7], [3, 2, 3, 4], { auto_pad: "SAME_UPPER", strides: [2, 1] })],
    ["not padded", conv([1, 2, 6, 7], [3, 2, 3, 4], { auto_pad: "VALID" })],
    ["a matrix product", matrix("MatMul", [2, 3, 6], [6, 4])],
    ["a Gemm", matrix("Gemm", [3, 6], [6, 4])],
    ["a Gemm of a turned matrix", matrix("Gemm", [3, 6], [4, 6], { transB: 1 })],
  ])("are what its weight makes its outputs of: %s", async (_, init) => {
    const layer = layerOf(init);
    const x = normalInput(init.inputs!["x"] as number[], 3);
    const { values, shapes } = await runOutputs(onnxModel(init), { x });
    const y = denseTensor("float32", shapes[0]!, values[0]!);
    const all = Array.from({ length: positionsOf(layer, y) }, (_unused, place) => place).toReversed();
    expect(all.length * layer.groups * layer.outputs).toBe(values[0]!.length);
    const [rows, expected] = [inputsAt(layer, x, y.shape, all), outputsAt(layer, y, all)];
    const weight = await float32Of(init.constants!["w"]!);
    const { groups, inputs, outputs, transposed } = layer;
    all.forEach((_unused, sample) => {
      for (let output = 0; output < groups * outputs; output++) {
        const group = Math.floor(output / outputs);
        let sum = 0;
        for (let input = 0; input < inputs; input++) {
          const place = transposed ? input * outputs + output : output * inputs + input;
          sum += weight[place]! * rows.values[(group * inputs + input) * all.length + sample]!;
        }
        expect(expected.values[output * all.length + sample]).toBeCloseTo(sum, 4);
      }
    });
  });

  it("are read from codes as from the numbers that these stand for, padding as zero", () => {
    const init = conv([1, 2, 5, 6], [4, 2, 3, 2], { pads: [1, 0, 2, 1] });
    const [layer, grid] = [layerOf(init), { scale: 0.5, zeroPoint: 7 }];
    const codes = Array.from({ length: 60 }, (_, index) => (index * 37) % 256);
    const shape = [1, 2, 5, 6];
    const numbers = denseTensor(
      "float32",
      shape,
      codes.map((code) => (code - 7) / 2),
    );
    const of = (tensor: typeof numbers, on?: typeof grid) => inputsAt(layer, tensor, [1, 4, 6, 6], [0, 17, 35], on);
    expect(of(denseTensor("uint8", shape, codes), grid)).toEqual(of(numbers));
  });

  it("stand side by side, those of examples that have none left out", () => {
    const parts = [
      { count: 2, values: Float32Array.of(1, 2, 5, 6) },
      { count: 0, values: new Float32Array(0) },
      { count: 1, values: Float32Array.of(3, 7) },
    ];
    expect(sideBySide(parts)).toEqual({ count: 3, values: Float32Array.of(1, 2, 3, 5, 6, 7) });
  });

  it("lie at all places where there are few, else at some, the same for the same seed", () => {
    expect(samplePlaces(4, 4, 1)).toEqual([0, 1, 2, 3]);
    const places = samplePlaces(10_000, 500, 1);
    expect(places).toHaveLength(500);
    expect(samplePlaces(10_000, 500, 1)).toEqual(places);
    expect(samplePlaces(10_000, 500, 2)).not.toEqual(places);
    expect(new Set(places).size).toBeGreaterThan(450);
    expect(places.every((place) => Number.isInteger(place) && place >= 0 && place < 10_000)).toBe(true);
    expect(Math.max(...places) - Math.min(...places)).toBeGreaterThan(9500);
  });
});
