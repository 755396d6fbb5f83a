import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync, deflateSync } from "node:zlib";
import type { BoltVersion } from "../../src/bolt/version.ts";
import { writeModel } from "../../src/convert/model-file.ts";
import { crc32 } from "../../src/data/crc32.ts";
import { encodePng } from "../../src/data/image/encode-png.ts";
import { writeNpy } from "../../src/data/npy.ts";
import { denseTensor } from "../../src/graph/dense-values.ts";
import { BoltqError } from "../../src/io/error.ts";
import { concatenate, memoryTarget } from "../../src/io/target.ts";
import type { OnnxModel } from "../../src/onnx/model.ts";
import { encodeOnnx } from "../../src/onnx/write.ts";
import { convertOnnxToBolt } from "../../src/quantize/bolt/convert-to-bolt.ts";
import { RECIPES } from "../../src/quantize/recipe.ts";
import { caffemodel } from "../../test/caffe-files.ts";
import { tfliteModel } from "../../test/tflite-file.ts";
import type { InputKind } from "./exercise.ts";
import { joinPair } from "./pair.ts";
import { seedModels } from "./seed-models.ts";
import { tensorflowSeeds } from "./tensorflow-seeds.ts";

/** A valid file to start from. */
export interface Seed {
  readonly name: string;
  readonly kind: InputKind;
  readonly bytes: Uint8Array;
}

/** Files above this are too slow to be worth it. */
const MOST_BYTES = 6000;

/** Seeds made here, and the small files of the folder with reference files where that is given; always in one order. */
export async function makeSeeds(shared: string | undefined): Promise<Seed[]> {
  return [
    ...(await modelSeeds()),
    ...(await foreignSeeds()),
    ...(await tensorflowSeeds()),
    ...arraySeeds(),
    ...jsonSeeds(),
    { name: "picture", kind: "picture", bytes: picture() },
    ...(shared === undefined || !existsSync(shared) ? [] : foundSeeds(shared)),
  ];
}

async function modelSeeds(): Promise<Seed[]> {
  const seeds: Seed[] = [];
  for (const [name, make] of Object.entries(seedModels)) {
    seeds.push({ name: `${name}.onnx`, kind: "onnx", bytes: await encodeOnnx(make()) });
    for (const version of [20220126, 20220831] as const) {
      const bytes = await boltSeed(make(), version);
      if (bytes !== undefined) seeds.push({ name: `${name}-${version}.bolt`, kind: "bolt", bytes });
    }
  }
  return seeds;
}

/** Models of other formats. */
async function foreignSeeds(): Promise<Seed[]> {
  const layer = (name: string, type: string, bottom: string, more: string) =>
    `layer { name: "${name}" type: "${type}" bottom: "${bottom}" top: "${name}" ${more} }`;
  const description = [
    'name: "net"',
    'input: "x" input_shape { dim: 1 dim: 2 dim: 4 dim: 4 }',
    layer("conv", "Convolution", "x", "convolution_param { num_output: 3 kernel_size: 3 pad: 1 }"),
    layer("bn", "BatchNorm", "conv", "batch_norm_param { eps: 0.001 }"),
    layer("pool", "Pooling", "bn", "pooling_param { pool: MAX kernel_size: 2 stride: 2 }"),
    layer("fc", "InnerProduct", "pool", "inner_product_param { num_output: 2 }"),
    layer("softmax", "Softmax", "fc", ""),
  ].join("\n");
  const some = (...shape: number[]) => ({
    shape,
    values: Array.from({ length: shape.reduce((one, other) => one * other) }, (_, index) => (index % 7) / 8 + 0.1),
  });
  const weights = await caffemodel({
    conv: [some(3, 2, 3, 3), some(3)],
    bn: [some(3), some(3), some(1)],
    fc: [some(2, 12), some(2)],
  });
  const pair = { description: new TextEncoder().encode(description), weights };
  const floats = (count: number) => Float32Array.from({ length: count }, (_, index) => (index % 5) / 4 - 0.5);
  const tflite = tfliteModel(
    [
      { name: "x", shape: [1, 4, 4, 2] },
      { name: "w", shape: [3, 3, 3, 2], data: floats(54) },
      { name: "b", shape: [3], data: floats(3) },
      { name: "conv", shape: [1, 4, 4, 3] },
      {
        name: "d",
        shape: [1, 3, 3, 3],
        data: Int8Array.from({ length: 27 }, (_, index) => index),
        type: 9,
        scales: [0.5],
      },
      { name: "deep", shape: [1, 2, 2, 3] },
      { name: "size", shape: [2], type: 2, data: Int32Array.from([1, 12]) },
      { name: "y", shape: [1, 12] },
    ],
    [
      { code: 3, inputs: [0, 1, 2], outputs: [3], options: { 1: { int32: 1 }, 2: { int32: 1 }, 3: { int8: 1 } } },
      { code: 4, inputs: [3, 4, -1], outputs: [5], options: { 1: { int32: 2 }, 2: { int32: 2 }, 3: { int32: 1 } } },
      { code: 22, inputs: [5, 6], outputs: [7] },
    ],
    [0],
    [7],
  );
  return [
    { name: "net.caffemodel", kind: "caffe", bytes: joinPair(pair) },
    { name: "net.tflite", kind: "tflite", bytes: tflite },
  ];
}

/** Undefined where Bolt's files cannot hold the model. */
async function boltSeed(onnx: OnnxModel, version: BoltVersion): Promise<Uint8Array | undefined> {
  const target = memoryTarget();
  try {
    await writeModel((await convertOnnxToBolt(onnx, { precision: "PTQ", version })).model, target);
    return target.result();
  } catch (error) {
    if (error instanceof BoltqError && error.code === "unsupported") return undefined;
    throw error;
  }
}

function arraySeeds(): Seed[] {
  const array = writeNpy(denseTensor("float32", [2, 4], [1, 2, 3, 4, 5, 6, 7, 8]));
  const bytes = writeNpy(denseTensor("uint8", [1, 3, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]));
  return [
    { name: "floats.npy", kind: "npy", bytes: array },
    { name: "bytes.npy", kind: "npy", bytes },
    { name: "deflated.npz", kind: "npz", bytes: archive("x.npy", array, 8) },
    { name: "stored.npz", kind: "npz", bytes: archive("x.npy", array, 0) },
  ];
}

/** A ZIP file of one entry; method 0 stores, 8 deflates. */
function archive(name: string, content: Uint8Array, method: 0 | 8): Uint8Array {
  const packed = method === 8 ? new Uint8Array(deflateRawSync(content)) : content;
  const text = new TextEncoder().encode(name);
  const common = [
    [20, 2],
    [0, 2],
    [method, 2],
    [0, 4],
    [crc32(content), 4],
    [packed.length, 4],
    [content.length, 4],
  ];
  const local = concatenate([numbers([[0x04034b50, 4], ...common, [text.length, 2], [0, 2]]), text, packed]);
  const lengths = [
    [text.length, 2],
    [0, 2],
    [0, 2],
    [0, 2],
    [0, 2],
    [0, 4],
    [0, 4],
  ];
  const central = concatenate([numbers([[0x02014b50, 4], [20, 2], ...common, ...lengths]), text]);
  const end = [
    [0x06054b50, 4],
    [0, 2],
    [0, 2],
    [1, 2],
    [1, 2],
    [central.length, 4],
    [local.length, 4],
    [0, 2],
  ];
  return concatenate([local, central, numbers(end)]);
}

/** Little-endian numbers, each with its count of bytes. */
function numbers(list: readonly (readonly number[])[]): Uint8Array {
  return Uint8Array.from(
    list.flatMap(([value, size]) => Array.from({ length: size! }, (_, index) => (value! / 2 ** (8 * index)) & 0xff)),
  );
}

function picture(): Uint8Array {
  const pixels = Uint8Array.from({ length: 5 * 4 * 3 }, (_, index) => (index * 37) % 256);
  return encodePng({ width: 5, height: 4, pixels }, (raw) => new Uint8Array(deflateSync(raw)));
}

function jsonSeeds(): Seed[] {
  const value = {
    name: "x",
    examples: 1,
    numbers: 4,
    minimum: -1,
    maximum: 2.5,
    sumOfMinima: "-713623846352979940529142984724747568191373312",
    sumOfMaxima: "1784059615882449851322857461811868920478433280",
    histogram: { exponent: 2, positive: [1, 0, 2], negative: [1] },
    moments: { sum: "4", sumOfSquares: "16" },
    channels: { magnitudes: [1, 2.5], sums: ["3", "-1"] },
  };
  const texts: Record<string, unknown> = {
    statistics: { format: "boltq-statistics", version: 1, examples: ["a.npy"], skipped: [], values: [value] },
    table: { quantization: "static", conv: { inputs: { x: 2.5 }, weights: { w: 1 }, outputs: { y: 6 } } },
    "dynamic table": { quantization: "dynamic", quant_ops: ["conv"], no_quant_ops: ["fc"] },
    preprocessing: { preset: "torchvision", mean: [0, 0.5, 1], layout: "NHWC" },
    "list line": { file: "a.png", x: [[1, 2, 3, 4]] },
    ...RECIPES,
  };
  return Object.entries(texts).map(([name, content]) => ({
    name: `${name}.json`,
    kind: "json" as const,
    bytes: new TextEncoder().encode(JSON.stringify(content)),
  }));
}

const KINDS: Readonly<Record<string, InputKind>> = {
  onnx: "onnx",
  bolt: "bolt",
  pb: "tensorflow",
  tflite: "tflite",
  caffemodel: "caffe",
  npy: "npy",
  npz: "npz",
  png: "picture",
  jpg: "picture",
  webp: "picture",
};

/** One file in so many `.bolt` files is taken: there are thousands. */
const BOLT_STRIDE = 15;

function foundSeeds(folder: string): Seed[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => !name.startsWith("hostile"))
    .sort();
  return files.flatMap((name, index): Seed[] => {
    const kind = KINDS[name.split(".").at(-1) ?? ""];
    const path = join(folder, name);
    if (kind === undefined || (kind === "bolt" && index % BOLT_STRIDE !== 0)) return [];
    const { size } = statSync(path);
    if (size === 0 || size > MOST_BYTES) return [];
    const bytes = new Uint8Array(readFileSync(path));
    if (kind !== "caffe") return [{ name, kind, bytes }];
    const described = path.replace(/caffemodel$/, "prototxt");
    if (!existsSync(described)) return [];
    const description = new Uint8Array(readFileSync(described));
    return [{ name, kind, bytes: joinPair({ description, weights: bytes }) }];
  });
}
