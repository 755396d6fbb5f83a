import { describe, expect, it } from "vitest";
import { onnxModel } from "../../test/models/onnx-model.ts";
import { normalTensor } from "../../test/models/values.ts";
import { writeModel } from "../convert/model-file.ts";
import type { Tensor } from "../graph/tensor.ts";
import { memorySource } from "../io/bytes.ts";
import { type MemoryTarget, memoryTarget, type Target } from "../io/target.ts";
import { readOnnx } from "./read.ts";
import { float32Of } from "./tensor-data.ts";
import { encodeOnnx, needsExternalData, writeOnnx } from "./write.ts";

const product = (weight: Tensor) =>
  onnxModel({
    inputs: { x: [1, weight.shape[0]!] },
    constants: { w: weight, small: normalTensor([2]) },
    operators: [["MatMul", ["x", "w"], "y"]],
    outputs: ["y", "small"],
  });

/** Zeros that take no memory. */
function zeros(rows: number, columns: number): Tensor {
  const length = 4 * rows * columns;
  const read = async (offset = 0, count = length - offset) => new Uint8Array(count);
  return { type: "float32", shape: [rows, columns], data: { length, read } };
}

/** Counts what is written and keeps none of it. */
function countingTarget(): Target & { count: () => number; commits: () => number } {
  let [count, commits] = [0, 0];
  return {
    name: "counted",
    write: async (chunk) => {
      count += chunk.byteLength;
    },
    commit: async () => {
      commits++;
    },
    abort: async () => {
      count = -1;
    },
    count: () => count,
    commits: () => commits,
  };
}

describe("external data", () => {
  it("holds large weights at multiples of 64 and is read back as it was", async () => {
    const weight = normalTensor([30, 20]);
    const [target, data] = [memoryTarget(), memoryTarget()];
    await writeOnnx(product(weight), target, {
      externalData: { location: () => "net.onnx_data", open: () => data },
    });
    expect(data.result().byteLength).toBe(2400);
    expect(target.result().byteLength).toBeLessThan(400);
    const { main } = await readOnnx(memorySource(target.result()), {
      externalData: (location) => memorySource(data.result(), location),
    });
    const [w, small] = main.initializers;
    expect(await float32Of(w!.constant!)).toEqual(await float32Of(weight));
    expect(small!.constant!.data.length).toBe(8);
    await expect(readOnnx(memorySource(target.result()))).rejects.toThrow(
      'its data is in another file, "net.onnx_data"',
    );
  });

  it("goes to as many files as a greatest size asks for, each tensor whole", async () => {
    const weights = [1, 2, 3].map((seed) => normalTensor([30, 20], seed));
    const model = onnxModel({
      inputs: { x: [1, 20] },
      constants: Object.fromEntries(weights.map((weight, index) => [`w${index}`, weight])),
      operators: weights.map((_, index) => ["Gemm", ["x", `w${index}`], `y${index}`, { transB: 1 }]),
      outputs: ["y0", "y1", "y2"],
    });
    const target = memoryTarget();
    const files: MemoryTarget[] = [];
    const open = (index: number) => {
      files[index] = memoryTarget();
      return files[index];
    };
    await writeOnnx(model, target, {
      externalData: { location: (index) => `d${index}`, open, mostBytes: 2 * 2400 + 64 },
    });
    expect(files.map((file) => file.result().byteLength)).toEqual([2400 + 32 + 2400, 2400]);
    const { main } = await readOnnx(memorySource(target.result()), {
      externalData: (location) => memorySource(files[Number(location.slice(1))]!.result(), location),
    });
    const read = main.initializers.map(({ constant }) => float32Of(constant!));
    expect(await Promise.all(read)).toEqual(await Promise.all(weights.map(float32Of)));
  });

  it("is written where the model does not fit into one file, or always", async () => {
    let opened = 0;
    const data: MemoryTarget = memoryTarget("data");
    const open = () => {
      opened++;
      return data;
    };
    const small = product(normalTensor([30, 20]));
    await writeModel(small, memoryTarget(), { externalData: { location: () => "d", open } });
    expect(opened).toBe(0);
    await writeModel(small, memoryTarget(), { externalData: { location: () => "d", open, always: true } });
    expect([opened, data.result().byteLength]).toEqual([1, 2400]);
  });

  it("takes what is above 2 GiB", { timeout: 60_000 }, async () => {
    const large = product(zeros(2 ** 15, 2 ** 14));
    expect(needsExternalData(large)).toBe(true);
    expect(needsExternalData(product(zeros(2 ** 15, 2 ** 14 - 1)))).toBe(false);
    await expect(writeModel(large, countingTarget())).rejects.toThrow("more than the 2 GiB that an ONNX file can have");
    const [target, data] = [countingTarget(), countingTarget()];
    await writeModel(large, target, { externalData: { location: () => "d", open: () => data } });
    expect(data.count()).toBe(2 ** 31);
    expect(target.count()).toBeLessThan(1000);
    expect([target.commits(), data.commits()]).toEqual([1, 1]);
  });

  it("is taken back with the model when writing fails", async () => {
    const [target, data] = [countingTarget(), countingTarget()];
    const failing = { ...data, write: () => Promise.reject(new Error("full")) };
    const model = product(normalTensor([30, 20]));
    const externalData = { location: () => "d", open: () => failing, always: true };
    await expect(writeModel(model, target, { externalData })).rejects.toThrow("full");
    expect([target.count(), data.count()]).toEqual([-1, -1]);
    expect([target.commits(), data.commits()]).toEqual([0, 0]);
  });
});

it("writes extremes of int64, text, lists and subgraphs as they were", async () => {
  const model = onnxModel({
    inputs: { x: [4] },
    operators: [
      [
        "Unknown",
        ["x"],
        "y",
        { most: 2 ** 63, least: -(2 ** 63), list: [1, -1, 2 ** 63], word: "größer", half: { float: 0.5 } },
      ],
    ],
    outputs: ["y"],
  });
  const { main } = await readOnnx(memorySource(await encodeOnnx(model)));
  const attributes = main.graph.nodes[0]!.data.attributes;
  expect(attributes.get("most")).toEqual({ kind: "int", value: 2 ** 63 });
  expect(attributes.get("least")).toEqual({ kind: "int", value: -(2 ** 63) });
  expect(attributes.get("list")).toEqual({ kind: "ints", value: [1, -1, 2 ** 63] });
  expect(new TextDecoder().decode(attributes.get("word")!.value as Uint8Array)).toBe("größer");
  expect(attributes.get("half")).toEqual({ kind: "float", value: 0.5 });
});
