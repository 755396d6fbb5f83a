import { writeNpy } from "../../src/data/npy.ts";
import type { OnnxModel } from "../../src/onnx/model.ts";
import { onnxModel } from "./onnx-model.ts";
import { normalInput, normalTensor } from "./values.ts";

/** Shape of the input "image" of `smallNetwork`. */
export const SMALL_INPUT: readonly number[] = [1, 16, 8, 8];

/** Two convolutions with a Relu between, and a Relu behind that stays float: enough to be calibrated and quantized. */
export function smallNetwork(): OnnxModel {
  return onnxModel({
    inputs: { image: SMALL_INPUT },
    constants: { w1: normalTensor([16, 16, 3, 3], 1), b1: normalTensor([16], 2), w2: normalTensor([8, 16, 3, 3], 3) },
    operators: [
      ["Conv", ["image", "w1", "b1"], "first", { pads: [1, 1, 1, 1] }],
      ["Relu", ["first"], "middle"],
      ["Conv", ["middle", "w2"], "second", { pads: [1, 1, 1, 1] }],
      ["Relu", ["second"], "result"],
    ],
    outputs: ["result"],
  });
}

/** An example for `smallNetwork` as the bytes of an .npy file; another for each seed. */
export function smallExample(seed: number): Uint8Array {
  return writeNpy(normalInput(SMALL_INPUT, seed));
}
