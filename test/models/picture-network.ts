import { deflateSync } from "node:zlib";
import { encodePng } from "../../src/data/image/encode-png.ts";
import type { OnnxModel } from "../../src/onnx/model.ts";
import { onnxModel } from "./onnx-model.ts";
import { normalTensor, normalValues } from "./values.ts";

const SIDE = 16;

/** A network on pictures: two convolutions. */
export function pictureNetwork(): OnnxModel {
  return onnxModel({
    inputs: { image: [1, 3, SIDE, SIDE] },
    constants: { w1: normalTensor([16, 3, 3, 3], 1), b1: normalTensor([16], 2), w2: normalTensor([8, 16, 3, 3], 3) },
    operators: [
      ["Conv", ["image", "w1", "b1"], "first", { pads: [1, 1, 1, 1] }],
      ["Relu", ["first"], "middle"],
      ["Conv", ["middle", "w2"], "result", { pads: [1, 1, 1, 1] }],
    ],
    outputs: ["result"],
  });
}

/** A picture for it, as a PNG file; another for each seed. */
export function picture(seed: number): Uint8Array {
  const pixels = Uint8Array.from(normalValues(3 * SIDE * SIDE, seed), (value) => 128 + 40 * value);
  return encodePng({ width: SIDE, height: SIDE, pixels }, deflateSync);
}
