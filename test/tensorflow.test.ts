import { expect, it } from "vitest";
import { readModel } from "../src/convert/model-file.ts";
import { openSession } from "../src/evaluate/open-session.ts";
import { denseTensor, denseValues } from "../src/graph/dense-values.ts";
import { memorySource } from "../src/io/bytes.ts";
import { BoltqError } from "../src/io/error.ts";
import type { OnnxModel } from "../src/onnx/model.ts";
import { loadRuntime } from "../src/runtime/load.ts";
import { type AttributeInit, constant, graphDef, type NodeInit, placeholder } from "./tensorflow-file.ts";

const runtime = await loadRuntime();

async function read(nodes: readonly NodeInit[]): Promise<OnnxModel> {
  return (await readModel(memorySource(await graphDef(nodes), "m.pb"))) as OnnxModel;
}

async function run(model: OnnxModel, shape: readonly number[], values: readonly number[]): Promise<number[]> {
  const session = await openSession(model, { runtime, placement: "direct" });
  try {
    const outputs = await session.run(new Map([["x", denseTensor("float32", shape, values)]]));
    return Array.from(denseValues([...outputs.values()][0]!));
  } finally {
    await session.close();
  }
}

const types = ({ main }: OnnxModel) => main.graph.nodes.map((node) => node.type);

/** Channels first: two maps of 2 x 2. */
const MAP = [1, 2, 3, 4, 10, 20, 30, 40];

const x = placeholder("x", [-1, 2, 2, 2]);
const SAME: Readonly<Record<string, AttributeInit>> = {
  strides: { integers: [1, 1, 1, 1] },
  padding: { text: "SAME" },
  data_format: { text: "NHWC" },
};
/** Height 1, width 2, two inputs, one output. */
const convolution: readonly NodeInit[] = [
  x,
  constant("w", { shape: [1, 2, 2, 1], floats: [1, 0.5, 0, -1] }),
  { name: "w/read", op: "Identity", input: ["w"] },
  { name: "conv", op: "Conv2D", input: ["x", "w/read"], attr: SAME },
];
/** The first map, half of the second, less the second's right neighbour: SAME pads behind. */
const CONVOLVED = [1 + 5 - 20, 2 + 10, 3 + 15 - 40, 4 + 20];

it("makes one convolution of weights behind an Identity and of the bias that is added", async () => {
  const model = await read([
    ...convolution,
    constant("b", { shape: [1], floats: [100] }),
    { name: "bias", op: "BiasAdd", input: ["conv", "b"] },
    { name: "init", op: "NoOp", input: ["^bias"] },
  ]);
  expect(types(model)).toEqual(["Conv"]);
  expect(model.main.graph.outputs.map(({ name }) => name)).toEqual(["bias"]);
  expect(await run(model, [1, 2, 2, 2], MAP)).toEqual(CONVOLVED.map((value) => value + 100));
});

it("keeps the order of graphs that state their maps with channels first", async () => {
  const attr = { ...SAME, data_format: { text: "NCHW" } };
  const model = await read([...convolution.slice(0, 3), { name: "conv", op: "Conv2D", input: ["x", "w/read"], attr }]);
  expect(types(model)).toEqual(["Conv"]);
  expect(await run(model, [1, 2, 2, 2], MAP)).toEqual(CONVOLVED);
});

it("flattens in TensorFlow's order, to a shape that the graph computes", async () => {
  const bounds = ["zero", "one", "one"];
  const model = await read([
    x,
    { name: "shape", op: "Shape", input: ["x"] },
    constant("zero", { shape: [1], int32s: [0] }),
    constant("one", { shape: [1], int32s: [1], listed: true }),
    { name: "batch", op: "StridedSlice", input: ["shape", ...bounds], attr: { shrink_axis_mask: { integer: 1 } } },
    constant("rest", { shape: [], int32s: [-1] }),
    { name: "target", op: "Pack", input: ["batch", "rest"], attr: { N: { integer: 2 } } },
    { name: "flat", op: "Reshape", input: ["x", "target"] },
  ]);
  expect(types(model)).toEqual(["Transpose", "Reshape"]);
  expect(await run(model, [1, 2, 2, 2], MAP)).toEqual([1, 10, 2, 20, 3, 30, 4, 40]);
});

it("leaves what is computed in TensorFlow's order in it until a map is wanted", async () => {
  const model = await read([
    placeholder("x", [2, 4]),
    constant("s", { shape: [4], int32s: [1, 2, 2, 2] }),
    { name: "map", op: "Reshape", input: ["x", "s"] },
    constant("v", { shape: [2], floats: [1, 10] }),
    { name: "scaled", op: "Mul", input: ["map", "v"] },
    { name: "soft", op: "Relu", input: ["scaled"] },
    constant("t", { shape: [1], int32s: [-1] }),
    { name: "y", op: "Reshape", input: ["soft", "t"] },
  ]);
  expect(types(model)).toEqual(["Reshape", "Mul", "Relu", "Reshape"]);
  expect(await run(model, [2, 4], [1, 2, 3, 4, -1, -2, 5, 6])).toEqual([1, 20, 3, 40, 0, 0, 5, 60]);
});

it("makes a dilated convolution of one whose places are dealt out to the batch", async () => {
  const model = await read([
    placeholder("x", [1, 1, 4, 1]),
    constant("block", { shape: [2], int32s: [1, 2] }),
    constant("pads", { shape: [2, 2], int32s: [0, 0, 1, 1] }),
    constant("crops", { shape: [2, 2], int32s: [0, 0, 0, 0] }),
    constant("w", { shape: [1, 2, 1, 1], floats: [1, 10] }),
    { name: "split", op: "SpaceToBatchND", input: ["x", "block", "pads"] },
    { name: "conv", op: "Conv2D", input: ["split", "w"], attr: { ...SAME, padding: { text: "VALID" } } },
    { name: "y", op: "BatchToSpaceND", input: ["conv", "block", "crops"] },
  ]);
  expect(types(model)).toEqual(["Conv"]);
  expect(await run(model, [1, 1, 1, 4], [1, 2, 3, 4])).toEqual([20, 31, 42, 3]);
});

it("computes only the side that a constant condition chooses", async () => {
  const model = await read([
    placeholder("x", [3]),
    constant("training", { shape: [], int32s: [0] }),
    { name: "switch", op: "Switch", input: ["x", "training"] },
    { name: "dropped", op: "RandomUniformLike", input: ["x"] },
    { name: "train", op: "Mul", input: ["switch:1", "switch:1"] },
    { name: "use", op: "Neg", input: ["switch"] },
    { name: "y", op: "Merge", input: ["use", "train"] },
    { name: "check", op: "Assert", input: ["dropped"] },
  ]);
  expect(await run(model, [3], [1, -2, 3])).toEqual([-1, 2, -3]);
});

it("takes apart with new axes, an ellipsis and steps back", async () => {
  const model = await read([
    placeholder("x", [2, 3]),
    constant("begin", { shape: [3], int32s: [0, 0, -1] }),
    constant("end", { shape: [3], int32s: [0, 0, -3] }),
    constant("step", { shape: [3], int32s: [1, 1, -1] }),
    {
      name: "y",
      op: "StridedSlice",
      input: ["x", "begin", "end", "step"],
      attr: { ellipsis_mask: { integer: 1 }, new_axis_mask: { integer: 2 } },
    },
  ]);
  expect(model.main.graph.outputs[0]!.type?.shape).toEqual([2, 1, 2]);
  expect(await run(model, [2, 3], [1, 2, 3, 4, 5, 6])).toEqual([3, 2, 6, 5]);
});

it("reads the JSON that Bolt's script makes of a graph", async () => {
  const json = {
    node: [
      {
        name: "x",
        op: "Placeholder",
        attr: { dtype: { type: "DT_FLOAT" }, shape: { shape: { dim: [{ size: "-1" }, { size: "2" }] } } },
      },
      {
        name: "w",
        op: "Const",
        attr: {
          value: {
            tensor: {
              dtype: "DT_FLOAT",
              tensorShape: { dim: [{ size: "2" }, { size: "1" }] },
              tensorContent: [2.0, 0.5],
            },
          },
        },
      },
      { name: "y", op: "MatMul", input: ["x", "w"], attr: { transpose_b: { b: false } } },
    ],
    library: {},
  };
  for (const text of [JSON.stringify(json), JSON.stringify(JSON.stringify(json))]) {
    const model = (await readModel(memorySource(new TextEncoder().encode(text), "m.json"))) as OnnxModel;
    expect(await run(model, [1, 2], [3, 4])).toEqual([8]);
  }
});

it("puts the operators of functions in place of their calls", async () => {
  const float = { type: "DT_FLOAT" };
  const call = (name: string, input: string) => ({
    name,
    op: "PartitionedCall",
    input: [input],
    attr: { f: { func: { name: "twice" } } },
  });
  const graph = {
    node: [
      { name: "x", op: "Placeholder", attr: { dtype: float, shape: { shape: { dim: [{ size: "3" }] } } } },
      call("first", "x"),
      call("y", "first:1"),
    ],
    library: {
      function: [
        {
          signature: { name: "twice", inputArg: [{ name: "a" }], outputArg: [{ name: "same" }, { name: "sum" }] },
          nodeDef: [{ name: "add", op: "AddV2", input: ["a", "a"] }],
          ret: { same: "a", sum: "add:z:0" },
        },
      ],
    },
  };
  const model = (await readModel(memorySource(new TextEncoder().encode(JSON.stringify(graph))))) as OnnxModel;
  expect(model.main.graph.outputs.map(({ name }) => name)).toEqual(["y", "y:1"]);
  expect(types(model)).toEqual(["Add", "Add"]);
  expect(await run(model, [3], [1, 2, 3])).toEqual([2, 4, 6]);
});

it("says what is wrong, and what to do", async () => {
  const op = (name: string, ...input: string[]): NodeInit => ({ name: "y", op: name, input });
  await expect(read([x, op("VarHandleOp"), { name: "z", op: "NextIteration", input: ["y"] }])).rejects.toThrow(
    'm.pb: the graph has operators that cannot be converted: NextIteration ("z"), VarHandleOp ("y"). Freeze the graph first',
  );
  await expect(read([x, op("Relu", "nothing")])).rejects.toThrow('operator "y" (Relu): it reads "nothing"');
  await expect(
    read([x, op("Relu", "z"), { name: "z", op: "Relu", input: ["y"] }, { name: "u", op: "Relu", input: ["z"] }]),
  ).rejects.toThrow("it depends on its own result");
  await expect(read([placeholder("x", [1, -1, -1, 3]), op("Relu", "x")])).rejects.toThrow(
    "the graph leaves its sizes open. Give them to X2bolt or boltq convert, channels first, as in --input-shape x=1x3x224x224",
  );
  await expect(read([x, constant("c", { shape: [3], floats: [1] }), op("Add", "x", "c")])).rejects.toThrow(
    "4 bytes do not fit float32[3]",
  );
  const saved = Uint8Array.from([0x08, 0x01, 0x12, 0xff, 0xff, 0x01]);
  await expect(readModel(memorySource(saved))).rejects.toThrow("this is a SavedModel");
});

it("gives a result or a BoltqError for what is cut short or changed", async () => {
  const file = await graphDef([
    ...convolution,
    constant("axes", { shape: [2], int32s: [1, 2] }),
    { name: "mean", op: "Mean", input: ["conv", "axes"], attr: { keep_dims: { flag: true } } },
  ]);
  const attempt = async (bytes: Uint8Array) => {
    await readModel(memorySource(bytes)).catch((error) => {
      if (!(error instanceof BoltqError)) throw error;
    });
  };
  for (let place = 0; place < file.length; place++) {
    await attempt(file.slice(0, place));
    for (const changed of [0, 0x7f, 0xff]) await attempt(file.with(place, changed));
  }
});
