import type { BoltModel } from "../../src/bolt/model.ts";
import type { Dataset, Sample } from "../../src/data/dataset.ts";
import { denseTensor } from "../../src/graph/dense-values.ts";
import type { OnnxModel } from "../../src/onnx/model.ts";
import { type BoltOperator, boltModel, convolution } from "./bolt-model.ts";
import { onnxModel } from "./onnx-model.ts";
import { normalTensor, normalValues } from "./values.ts";

const CHANNELS = 16;
const PIXELS = 8;

function boltConvolution(input: string, name: string, channels: number, seed: number): BoltOperator {
  return [
    "Conv",
    [input],
    name,
    convolution(CHANNELS, 3, { pw_activation_type: "RELU" }),
    { weight: normalValues(CHANNELS * channels * 9, seed), vector: normalValues(CHANNELS, seed + 50) },
  ];
}

/**
 * What X2bolt -i PTQ gives of three 3x3 convolutions with a Relu each, 16 channels, on a picture `x` of 1x3x8x8. `between`
 * stands between the second, "conv2", and the third, "conv3", and gives "between".
 */
export function boltNetwork(between: readonly BoltOperator[] = []): BoltModel {
  return boltModel({
    inputs: { x: [1, 3, PIXELS, PIXELS] },
    operators: [
      boltConvolution("x", "conv1", 3, 1),
      boltConvolution("conv1", "conv2", CHANNELS, 2),
      ...between,
      boltConvolution(between.length === 0 ? "conv2" : "between", "conv3", CHANNELS, 3),
    ],
    outputs: ["conv3"],
  });
}

/** The same network as ONNX. */
export function onnxNetwork(): OnnxModel {
  const layers = [
    ["x", "conv1", 3, 1],
    ["conv1/relu", "conv2", CHANNELS, 2],
    ["conv2/relu", "conv3", CHANNELS, 3],
  ] as const;
  return onnxModel({
    inputs: { x: [1, 3, PIXELS, PIXELS] },
    constants: Object.fromEntries(
      layers.flatMap(([, name, channels, seed]) => [
        [`${name}/weight`, normalTensor([CHANNELS, channels, 3, 3], seed)],
        [`${name}/bias`, normalTensor([CHANNELS], seed + 50)],
      ]),
    ),
    operators: layers.flatMap(([input, name]) => [
      ["Conv", [input, `${name}/weight`, `${name}/bias`], name, { pads: [1, 1, 1, 1] }] as const,
      ["Relu", [name], `${name}/relu`] as const,
    ]),
    outputs: ["conv3/relu"],
  });
}

/** Pictures for these networks: normally distributed numbers. */
export function normalPictures(count: number, firstSeed = 100): Dataset {
  const samples = Array.from({ length: count }, (_, index): Sample => {
    const values = normalValues(3 * PIXELS * PIXELS, firstSeed + index);
    return {
      name: `picture${index}`,
      inputs: new Map([["x", denseTensor("float32", [1, 3, PIXELS, PIXELS], values)]]),
    };
  });
  return {
    length: count,
    names: samples.map(({ name }) => name),
    async *samples() {
      yield* samples;
    },
  };
}
