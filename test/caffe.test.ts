import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readModel } from "../src/convert/model-file.ts";
import { openSession } from "../src/evaluate/open-session.ts";
import { denseTensor, denseValues } from "../src/graph/dense-values.ts";
import type { DenseTensor } from "../src/graph/tensor.ts";
import { BoltqError } from "../src/io/error.ts";
import { openModelFile } from "../src/node.ts";
import { convertToBolt } from "../src/quantize/bolt/convert-to-bolt.ts";
import { fitInputs } from "../src/runtime/fit-inputs.ts";
import { loadRuntime } from "../src/runtime/load.ts";
import { type Blob, caffemodel, caffeSource } from "./caffe-files.ts";
import { describeAsBolt } from "./describe-as-bolt.ts";
import { largestDifference, readArray, readCase, runCase, storedOutput } from "./golden-case.ts";
import { describeWithShared, sharedPath } from "./shared.ts";

const runtime = await loadRuntime();

const input = (shape: readonly number[], name = "data") =>
  `layer { name: "${name}" type: "Input" top: "${name}" input_param { shape { ${shape.map((size) => `dim: ${size}`).join(" ")} } } }\n`;

async function read(prototxt: string, blobs: Readonly<Record<string, readonly Blob[]>> = { none: [] }) {
  const { source, options } = caffeSource(prototxt, await caffemodel(blobs));
  return readModel(source, options);
}

async function run(
  prototxt: string,
  inputs: Readonly<Record<string, DenseTensor>>,
  blobs?: Readonly<Record<string, readonly Blob[]>>,
): Promise<Record<string, number[]>> {
  const session = await openSession(await read(prototxt, blobs), { runtime, placement: "direct" });
  try {
    const outputs = await session.run(new Map(Object.entries(inputs)));
    return Object.fromEntries([...outputs].map(([name, tensor]) => [name, Array.from(denseValues(tensor))]));
  } finally {
    await session.close();
  }
}

const floats = (shape: readonly number[], values: readonly number[]) => denseTensor("float32", shape, values);

async function problem(prototxt: string, blobs?: Readonly<Record<string, readonly Blob[]>>): Promise<string> {
  try {
    await read(prototxt, blobs);
    return "none";
  } catch (error) {
    if (error instanceof BoltqError) return error.message;
    throw error;
  }
}

it("rounds the size of a pooled map up, but starts no window behind the padding", async () => {
  const pool = (parameters: string) =>
    `${input([1, 1, 1, 4])}layer { name: "p" type: "Pooling" bottom: "data" top: "p" pooling_param { ${parameters} } }`;
  const data = floats([1, 1, 1, 4], [1, 2, 3, 5]);
  const row = "kernel_h: 1 kernel_w: 3 stride_h: 1 stride_w: 2";
  expect(await run(pool(`pool: MAX ${row}`), { data })).toEqual({ p: [3, 5] });
  expect(await run(pool(`pool: AVE ${row}`), { data })).toEqual({ p: [2, 4] });
  expect(await run(pool(`pool: AVE ${row} pad_h: 0 pad_w: 1`), { data })).toEqual({
    p: [1, Math.fround(10 / 3), 2.5],
  });
  expect(await run(pool("kernel_h: 1 kernel_w: 2 stride_h: 1 stride_w: 3 pad_h: 0 pad_w: 1"), { data })).toEqual({
    p: [1, 5],
  });
  expect(await run(pool(`${row} round_mode: FLOOR`), { data })).toEqual({ p: [3] });
  expect(await run(pool(`${row} pool: 1 round_mode: 1`), { data })).toEqual({ p: [2] });
});

it("lets layers work in place, and drops those of training", async () => {
  const prototxt = `
    name: "net" input: "data" input_dim: 1 input_dim: 2 input_dim: 1 input_dim: 1
    layers { name: "ip" type: INNER_PRODUCT bottom: "data" top: "ip" inner_product_param { num_output: 2 } }
    layers { name: "relu" type: RELU bottom: "ip" top: "ip" }
    layers { name: "drop" type: DROPOUT bottom: "ip" top: "ip" dropout_param { dropout_ratio: 0.5 } }
    layers { name: "noise" type: DATA top: "label" include { phase: TRAIN } }
    layers { name: "loss" type: SOFTMAX_LOSS bottom: "ip" bottom: "label" top: "loss" exclude { phase: TEST } }`;
  const ip = [
    { shape: [1, 1, 2, 2], values: [1, 2, 3, -4] },
    { shape: [1, 1, 1, 2], values: [0.5, 0] },
  ];
  expect(await run(prototxt, { data: floats([1, 2, 1, 1], [1, 1]) }, { ip })).toEqual({ ip: [3.5, 0] });
});

it("normalizes with the stored sums, and scales by one learned factor a channel", async () => {
  const prototxt = `${input([1, 2, 1, 2])}
    layer { name: "bn" type: "BatchNorm" bottom: "data" top: "bn" batch_norm_param { eps: 0 } }
    layer { name: "s" type: "Scale" bottom: "bn" top: "bn" scale_param { bias_term: true } }`;
  const blobs = {
    bn: [
      { shape: [2], values: [2, 4] },
      { shape: [2], values: [8, 2] },
      { shape: [1], values: [2] },
    ],
    s: [
      { shape: [2], values: [10, 1] },
      { shape: [2], values: [0, 5] },
    ],
  };
  const data = floats([1, 2, 1, 2], [1, 3, 2, 4]);
  expect(await run(prototxt, { data }, blobs)).toEqual({ bn: [0, 10, 5, 7] });
});

it("says what is wrong and where", async () => {
  const layer = (type: string, rest: string) =>
    `${input([1, 2, 4, 4])}layer { name: "x" type: "${type}" bottom: "data" top: "x" ${rest} }`;
  expect(await problem(layer("Convolution", "convolution_param { num_output: 2 kernel_size: 9 }"))).toBe(
    'net.prototxt, layer "x" (Convolution, line 2): its kernel is larger than the map (4 x 4)',
  );
  expect(await problem(layer("Sort", ""))).toContain('Sort ("x", line 2)');
  expect(await problem(layer("Pooling", "pooling_param { kernel_size: 2 tilt: 3 }"))).toContain(
    'its parameter "tilt" is not known here',
  );
  expect(await problem(layer("Reduction", "reduction_param { operation: toString }"))).toContain(
    "the operation toString cannot be converted",
  );
  expect(await problem(layer("Pooling", "pooling_param { kernel_size: 2 pool: 2 }"))).toContain(
    "the kind of pooling STOCHASTIC cannot be converted",
  );
  expect(await problem(`${input([1, 2])}layer { name: "x" type: "ReLU" bottom: "y" top: "x" }`)).toContain(
    'no layer before it gives "y"',
  );
  expect(await problem(layer("InnerProduct", "inner_product_param { num_output: 3 }"))).toContain("has no blob 0");
  expect(await problem(layer("Pad", "padding_param { shape: 9007199254740990 shape: 1 shape: 0 shape: 0 }"))).toContain(
    'layer "x" (Pad, line 2): its sizes come out as 1 x 2 x 9007199254740996 x 4',
  );
  expect(await problem(input([1, 0]))).toContain("[1, 0] is no valid shape");
  expect(await problem(input([1e9, 1e9, 1e9]))).toContain("is no valid shape");
  expect(await problem("name: 'x' layer {")).toBe("net.prototxt, line 1, column 18: the text ends inside a message");
  expect(await problem("base_lr: 0.1")).toContain("has no layers");
  const weights = { x: [{ shape: [3, 4], values: new Array<number>(12).fill(0) }] };
  expect(
    await problem(layer("InnerProduct", "inner_product_param { num_output: 3 bias_term: false }"), weights),
  ).toContain("its blob 0 is 3 x 4, but the prototxt makes it 3 x 32");
});

it("becomes the operators of Bolt's own reader with asBolt, names included", async () => {
  const prototxt = `name: "net" ${input([1, 2, 4, 4])}
    layer { name: "power" type: "Power" bottom: "data" top: "x" power_param { scale: 2 shift: 1 } }
    layer { name: "flat" type: "Flatten" bottom: "x" top: "flat" }
    layer { name: "ip" type: "InnerProduct" bottom: "flat" top: "y" inner_product_param { num_output: 1 } }
    layer { name: "prelu" type: "PReLU" bottom: "y" top: "y" }`;
  const weights = {
    ip: [
      { shape: [1, 32], values: new Array<number>(32).fill(1) },
      { shape: [1], values: [5] },
    ],
    prelu: [{ shape: [1], values: [0.25] }],
  };
  const { source, options } = caffeSource(prototxt, await caffemodel(weights));
  const { model } = await convertToBolt(source, { ...options, asBolt: true, precision: "PTQ", name: "other" });
  expect(model.name).toBe("net");
  expect(
    model.graph.nodes.map(({ name, type, outputs }) => [name, type, ...outputs.map((output) => output.name)]),
  ).toEqual([
    ["power", "Power", "x"],
    ["flat", "Reshape", "flat"],
    ["ip", "FC", "y"],
    ["prelu", "PRelu", "y"],
  ]);
  expect(model.graph.nodes[1]!.data.parameters.counted("shape", "num_shape")).toEqual([0, -1]);
  expect([...model.weights].map(({ operator, vector }) => [operator, vector.length])).toEqual([
    ["ip", 4],
    ["prelu", 0],
  ]);
});

const DETECTOR = `${input([1, 4, 1, 1], "where")}${input([1, 6], "what")}${input([1, 1, 1, 3], "map")}
  layer { name: "p" type: "PriorBox" bottom: "map" bottom: "map" top: "p"
    prior_box_param { min_size: 1 flip: false variance: 1 img_size: 4 step: 1 } }
  layer { name: "flat" type: "Concat" bottom: "where" bottom: "where" bottom: "where" top: "flat" concat_param { axis: 1 } }
  layer { name: "found" type: "DetectionOutput" bottom: "flat" bottom: "what" bottom: "p" top: "found"
    detection_output_param { num_classes: 2 code_type: CENTER_SIZE keep_top_k: 2 confidence_threshold: 0.2 nms_param { nms_threshold: 0.5 top_k: 10 } } }`;

it("gives the detections of a single-shot detector, best first, with its definition for ONNX Runtime", async () => {
  const inputs = {
    where: floats([1, 4, 1, 1], [0, 0, 0, 0]),
    what: floats([1, 6], [0.1, 0.9, 0.7, 0.3, 0.05, 0.95]),
    map: floats([1, 1, 1, 3], [0, 0, 0]),
  };
  const { found } = await run(DETECTOR, inputs);
  const row = (score: number, x: number) => [0, 1, Math.fround(score), x, 0, x + 0.25, 0.25];
  expect(found).toEqual([...row(0.95, 0.5), ...row(0.9, 0)]);
});

it("becomes one operator of Bolt", async () => {
  const { source, options } = caffeSource(DETECTOR, await caffemodel({ none: [] }));
  const { model, notes } = await convertToBolt(source, options);
  const node = model.graph.outputs[0]!.producer!;
  expect(node.type).toBe("DetectionOutput");
  expect(node.data.parameters.number("keep_top_k")).toBe(2);
  expect(notes.join()).toContain("has Bolt's form");
});

it("gives a result or a BoltqError for what is cut short or changed", async () => {
  const prototxt = `name: "n" ${input([1, 2, 4, 4])}layer { name: "c" type: "Convolution" bottom: "data" top: "c"
    convolution_param { num_output: 2 kernel_size: 3 } } layer { name: "p" type: "Pooling" bottom: "c" top: "c" pooling_param { kernel_size: 2 } }`;
  const blobs = {
    c: [
      { shape: [2, 2, 3, 3], values: new Array<number>(36).fill(1) },
      { shape: [2], values: [0, 0] },
    ],
  };
  const weights = await caffemodel(blobs);
  expect(await problem(prototxt, blobs)).toBe("none");
  const attempt = async (text: string, bytes: Uint8Array) => {
    const { source, options } = caffeSource(text, bytes);
    await readModel(source, options).catch((error) => {
      if (!(error instanceof BoltqError)) throw error;
    });
  };
  for (let cut = 0; cut < prototxt.length; cut++) {
    await attempt(prototxt.slice(0, cut), weights);
    for (const changed of ["9", "-", "{", "}", '"', ":"])
      await attempt(prototxt.slice(0, cut) + changed + prototxt.slice(cut + 1), weights);
  }
  for (let place = 0; place < weights.length; place++) {
    await attempt(prototxt, weights.slice(0, place));
    for (const changed of [0, 0x7f, 0x80, 0xff]) await attempt(prototxt, weights.with(place, changed));
  }
});

describeAsBolt("Caffe models as Bolt's own X2bolt writes them", "case.caffemodel");

describeWithShared("Caffe and ONNX files of one net", () => {
  const nets = [
    ["squeezenet_v1.1/squeezenet_v1.1.caffemodel", "squeezenet_v1.1/squeezenet_v1.1.onnx", "squeezenet_v1.1_caffe"],
    ["ultraface_rfb_320/RFB-320.caffemodel", "ultraface_rfb_320/version-RFB-320.onnx", "ultraface_rfb_320_caffe"],
  ] as const;
  it.each(nets)("%s", async (caffe, onnx, name) => {
    const golden = readCase(sharedPath("golden", "bolt_models"), name, "model.json");
    const results = [];
    for (const path of [caffe, onnx]) {
      const session = await openSession(await openModelFile(sharedPath("models", path)), {
        runtime,
        placement: "direct",
      });
      const feeds = new Map([[session.inputs[0]!.name, readArray(join(golden.folder, "input.npy"))]]);
      results.push(await session.run(fitInputs(session.inputs, feeds)));
      await session.close();
    }
    // The smallest output: UltraFace's Caffe file leaves decoding the boxes to its user.
    const [first, second] = results.map(
      (outputs) => [...outputs.values()].sort((one, other) => one.data.length - other.data.length)[0],
    );
    expect(largestDifference(first!, second)).toBeLessThan(1e-4);
  });
});

describeWithShared("Caffe models against OpenCV", () => {
  const root = sharedPath("golden", "bolt_ops");
  const cases = readdirSync(root).filter((name) => existsSync(join(root, name, "case.caffemodel")));
  it.each(cases)("%s", async (name) => {
    const golden = readCase(root, name);
    if (name === "caffe_lrn") {
      await expect(openModelFile(join(root, name, "case.caffemodel"))).rejects.toThrow("its alpha is not stated");
      return;
    }
    const outputs = await runCase(await openModelFile(join(root, name, "case.caffemodel")), golden, runtime);
    for (const output of golden.outputs) {
      const expected = storedOutput(golden, output, "opencv");
      if (expected !== undefined) expect(largestDifference(outputs.get(output["name"]!)!, expected)).toBeLessThan(1e-4);
    }
  });
});
