import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readModel } from "../src/convert/model-file.ts";
import { openSession } from "../src/evaluate/open-session.ts";
import { denseTensor, denseValues } from "../src/graph/dense-values.ts";
import { memorySource } from "../src/io/bytes.ts";
import { BoltqError } from "../src/io/error.ts";
import { openModelFile } from "../src/node.ts";
import type { OnnxModel } from "../src/onnx/model.ts";
import { convertOnnxToBolt } from "../src/quantize/bolt/convert-to-bolt.ts";
import { loadRuntime } from "../src/runtime/load.ts";
import { describeAsBolt } from "./describe-as-bolt.ts";
import { largestDifference, readCase, runCase, storedOutput } from "./golden-case.ts";
import { describeWithShared, sharedPath } from "./shared.ts";
import { tfliteModel } from "./tflite-file.ts";

const runtime = await loadRuntime();

const RELU = 1;
const CODES = {
  conv: 3,
  depthwise: 4,
  dequantize: 6,
  fullyConnected: 9,
  reshape: 22,
  spaceToBatch: 38,
  batchToSpace: 37,
  transpose: 39,
  mean: 40,
  concatenation: 2,
  pack: 83,
};

async function run(file: Uint8Array, shape: readonly number[], values: readonly number[]): Promise<number[]> {
  const session = await openSession(await readModel(memorySource(file, "m.tflite")), { runtime, placement: "direct" });
  try {
    const outputs = await session.run(new Map([["x", denseTensor("float32", shape, values)]]));
    return Array.from(denseValues([...outputs.values()][0]!));
  } finally {
    await session.close();
  }
}

/** Channels first: two maps of 2 x 2. */
const MAP = [1, 2, 3, 4, 10, 20, 30, 40];

it("puts channels first, with weights and padding to match, and adds the activation", async () => {
  const file = tfliteModel(
    [
      { name: "x", shape: [1, 2, 2, 2] },
      { name: "w", shape: [1, 2, 2, 2], data: Float32Array.from([1, 0.5, 1, 0, 0, 0, 0, -1]) },
      { name: "y", shape: [1, 2, 2, 1] },
    ],
    [
      {
        code: CODES.conv,
        inputs: [0, 1, -1],
        outputs: [2],
        options: { 1: { int32: 1 }, 2: { int32: 1 }, 3: { int8: RELU } },
      },
    ],
    [0],
    [2],
  );
  // Before the activation: 1 + 10/2 + 2 - 40, 2 + 20/2, 3 + 30/2 + 4, 4 + 40/2; SAME pads behind.
  expect(await run(file, [1, 2, 2, 2], MAP)).toEqual([0, 12, 22, 24]);
});

it("flattens in TFLite's order", async () => {
  const file = tfliteModel(
    [
      { name: "x", shape: [1, 2, 2, 2] },
      { name: "s", shape: [2], type: 2, data: Int32Array.from([1, -1]) },
      { name: "y", shape: [1, 8] },
    ],
    [{ code: CODES.reshape, inputs: [0, 1], outputs: [2] }],
    [0],
    [2],
  );
  expect(await run(file, [1, 2, 2, 2], MAP)).toEqual([1, 10, 2, 20, 3, 30, 4, 40]);
});

it("leaves no transposition where orders cancel out", async () => {
  const file = tfliteModel(
    [
      { name: "x", shape: [1, 2, 2, 2] },
      { name: "p", shape: [4], type: 2, data: Int32Array.from([0, 3, 1, 2]) },
      { name: "t", shape: [1, 2, 2, 2] },
      { name: "q", shape: [4], type: 2, data: Int32Array.from([0, 2, 3, 1]) },
      { name: "u", shape: [1, 2, 2, 2] },
      { name: "a", shape: [2], type: 2, data: Int32Array.from([1, 2]) },
      { name: "y", shape: [1, 2] },
    ],
    [
      { code: CODES.transpose, inputs: [0, 1], outputs: [2] },
      { code: CODES.transpose, inputs: [2, 3], outputs: [4] },
      { code: CODES.mean, inputs: [4, 5], outputs: [6] },
    ],
    [0],
    [6],
  );
  expect(await run(file, [1, 2, 2, 2], MAP)).toEqual([2.5, 25]);
});

it("reads quantized weights as the numbers that they stand for", async () => {
  const file = tfliteModel(
    [
      { name: "x", shape: [1, 2], type: 9, scales: [0.5], zeroPoints: [1] },
      { name: "w", shape: [2, 2], type: 9, data: Int8Array.from([1, 2, 3, -4]), scales: [0.5, 2], zeroPoints: [0, 1] },
      { name: "b", shape: [2], type: 2, data: Int32Array.from([4, 0]), scales: [0.25], zeroPoints: [0] },
      { name: "y", shape: [1, 2], type: 9, scales: [1], zeroPoints: [0] },
    ],
    [{ code: CODES.fullyConnected, inputs: [0, 1, 2], outputs: [3], options: {} }],
    [0],
    [3],
  );
  expect(await run(file, [1, 2], [1, 10])).toEqual([0.5 + 10 + 1, 4 - 100]);
});

it("reads float16 weights, each behind a DEQUANTIZE", async () => {
  const file = tfliteModel(
    [
      { name: "x", shape: [1, 1, 1, 2] },
      { name: "half", shape: [1, 1, 1, 2], type: 1, data: Uint16Array.from([0x3c00, 0xc000]) },
      { name: "w", shape: [1, 1, 1, 2] },
      { name: "y", shape: [1, 1, 1, 2] },
    ],
    [
      { code: CODES.dequantize, inputs: [1], outputs: [2] },
      { code: CODES.depthwise, inputs: [0, 2], outputs: [3], options: { 1: { int32: 1 }, 2: { int32: 1 } } },
    ],
    [0],
    [3],
  );
  expect(await run(file, [1, 2, 1, 1], [3, 4])).toEqual([3, -8]);
});

it("makes one dilated convolution of the three operators that TensorFlow writes", async () => {
  const file = tfliteModel(
    [
      { name: "x", shape: [1, 1, 4, 1] },
      { name: "blocks", shape: [2], type: 2, data: Int32Array.from([1, 2]) },
      { name: "pads", shape: [2, 2], type: 2, data: Int32Array.from([0, 0, 1, 1]) },
      { name: "split", shape: [2, 1, 3, 1] },
      { name: "w", shape: [1, 1, 2, 1], data: Float32Array.from([1, 10]) },
      { name: "c", shape: [2, 1, 2, 1] },
      { name: "crops", shape: [2, 2], type: 2, data: Int32Array.from([0, 0, 0, 0]) },
      { name: "y", shape: [1, 1, 4, 1] },
    ],
    [
      { code: CODES.spaceToBatch, inputs: [0, 1, 2], outputs: [3] },
      { code: CODES.conv, inputs: [3, 4], outputs: [5], options: { 0: { int8: 1 }, 1: { int32: 1 }, 2: { int32: 1 } } },
      { code: CODES.batchToSpace, inputs: [5, 1, 6], outputs: [7] },
    ],
    [0],
    [7],
  );
  const model = (await readModel(memorySource(file))) as OnnxModel;
  expect(model.main.graph.nodes.map((node) => node.type)).toEqual(["Conv"]);
  expect(await run(file, [1, 1, 1, 4], [1, 2, 3, 4])).toEqual([20, 31, 42, 3]);
});

it("says what is wrong", async () => {
  const read = async (file: Uint8Array) => {
    await readModel(memorySource(file, "m.tflite"));
  };
  const x = { name: "x", shape: [1, 4] };
  const model = (code: number, shape: readonly number[]) =>
    tfliteModel([x, { name: "y", shape }], [{ code, inputs: [0], outputs: [1] }], [0], [1]);
  await expect(read(model(32, [1, 4]))).rejects.toThrow(
    "m.tflite: the model has operators that cannot be converted: CUSTOM",
  );
  await expect(read(model(19, [1, 5]))).rejects.toThrow(
    'operator 0 (RELU): "y" is 1 x 4 here, but the file states 1 x 5',
  );
  await expect(read(tfliteModel([x], [{ code: 19, inputs: [7], outputs: [0] }], [0], [0]))).rejects.toThrow(
    "there is no tensor 7",
  );
  for (const code of [CODES.concatenation, CODES.pack])
    await expect(read(tfliteModel([x], [{ code, inputs: [], outputs: [0] }], [0], [0]))).rejects.toThrow(
      "it joins nothing",
    );
});

it("gives a result or a BoltqError for what is cut short or changed", async () => {
  const file = tfliteModel(
    [
      { name: "x", shape: [1, 2, 2, 1] },
      { name: "w", shape: [1, 1, 1, 1], data: Float32Array.from([2]) },
      { name: "y", shape: [1, 2, 2, 1] },
    ],
    [{ code: CODES.conv, inputs: [0, 1], outputs: [2], options: { 0: { int8: 1 }, 1: { int32: 1 }, 2: { int32: 1 } } }],
    [0],
    [2],
  );
  const attempt = async (bytes: Uint8Array) => {
    await readModel(memorySource(bytes)).catch((error) => {
      if (!(error instanceof BoltqError)) throw error;
    });
  };
  expect(await run(file, [1, 1, 2, 2], [1, 2, 3, 4])).toEqual([2, 4, 6, 8]);
  for (let place = 8; place < file.length; place++) {
    await attempt(file.slice(0, place));
    for (const changed of [0, 1, 0x7f, 0x80, 0xff]) await attempt(file.with(place, changed));
  }
});

describeAsBolt("TFLite models as Bolt's own X2bolt writes them", "case.tflite");

describeWithShared("TFLite models against TFLite's own results", () => {
  const root = sharedPath("golden", "bolt_ops");
  const cases = readdirSync(root)
    .filter((name) => existsSync(join(root, name, "case.tflite")))
    .map((name) => [name, join(root, name, "case.tflite"), root, "case.json"] as const);
  const models = sharedPath("golden", "bolt_models");
  const real = [
    ["mobilenet_v1_0.25_224_tflite", "mobilenet_v1_0.25_224/mobilenet_v1_0.25_224.tflite"],
    ["ultraface_rfb_320_tflite", "ultraface_rfb_320/version-RFB-320_without_postprocessing.tflite"],
  ].map(([name, path]) => [name!, sharedPath("models", path!), models, "model.json"] as const);
  it.each([...cases, ...real])("%s", async (name, path, folder, facts) => {
    const golden = readCase(folder, name, facts);
    const model = (await openModelFile(path)) as OnnxModel;
    const onnx = await runCase(model, golden, runtime);
    const bolt = await runCase(
      (await convertOnnxToBolt((await openModelFile(path)) as OnnxModel)).model,
      golden,
      runtime,
    );
    golden.outputs.forEach((output, index) => {
      const expected = storedOutput(golden, output, "tflite");
      for (const outputs of [onnx, bolt]) {
        expect(largestDifference([...outputs.values()][index]!, expected)).toBeLessThan(1e-4);
      }
    });
  });
});
