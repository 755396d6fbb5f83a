import { describe, expect, it } from "vitest";
import { onnxGraph, onnxModel, operatorOf, typesOf } from "../../../test/models/onnx-model.ts";
import { largestDifference, outputsOf } from "../../../test/models/run.ts";
import { normalTensor } from "../../../test/models/values.ts";
import type { OnnxAttribute } from "../../onnx/model.ts";
import { floatTensor, numbersOf } from "../../onnx/tensor-data.ts";
import { FreshNames } from "./fresh-names.ts";
import { addInitializer, constantsToInitializers, dropUnusedInitializers, freeInitializers } from "./initializers.ts";
import { scaledRows } from "./scaled-rows.ts";

const text = (value: string): OnnxAttribute => ({ kind: "string", value: new TextEncoder().encode(value) });

describe("initializers", () => {
  it.each([
    ["value", { kind: "tensor", value: floatTensor([2, 1], [1.5, -2]) }, "float32", [2, 1], [1.5, -2]],
    ["value_float", { kind: "float", value: 0.5 }, "float32", [], [0.5]],
    ["value_floats", { kind: "floats", value: [0.5, 2] }, "float32", [2], [0.5, 2]],
    ["value_int", { kind: "int", value: 3 }, "int64", [], [3]],
    ["value_ints", { kind: "ints", value: [3, -4, 5] }, "int64", [3], [3, -4, 5]],
  ] as const)("are made of a Constant's %s", async (name, attribute, type, shape, numbers) => {
    const model = onnxModel({
      operators: [
        ["Constant", [], "c", { [name]: attribute }],
        ["Identity", ["c"], "i"],
        ["Neg", ["i"], "y"],
      ],
      outputs: ["y"],
    });
    expect(constantsToInitializers(model)).toBe(2);
    expect(typesOf(model.main)).toEqual(["Neg"]);
    const [value] = model.main.initializers;
    expect(operatorOf(model, "y").input(0)).toBe(value);
    expect(value).toMatchObject({ name: "c", type: { type, shape }, constant: { type, shape } });
    expect(Array.from(await numbersOf(value!.constant!))).toEqual(numbers);
  });

  it("leave texts, outputs of the graph and other domains as they are", () => {
    const model = onnxModel({
      operators: [
        ["Constant", [], "t", { value_string: text("a") }],
        ["Constant", [], "o", { value_int: 1 }],
        ["Constant", [], "d", { value_int: 1 }],
        ["Identity", ["t"], "y"],
        ["Neg", ["d"], "z"],
      ],
      outputs: ["y", "o", "z"],
    });
    operatorOf(model, "d").data.domain = "com.other";
    expect(constantsToInitializers(model)).toBe(0);
    expect(model.main.graph.size).toBe(5);
    expect(model.main.initializers).toEqual([]);
  });

  it("are taken out of the inputs, with the IR version that allows that", () => {
    const init = { inputs: { x: [2] }, constants: { w: normalTensor([2]), v: normalTensor([2]) }, outputs: ["y"] };
    const model = onnxModel({ ...init, irVersion: 3, operators: [["Sum", ["x", "w", "v"], "y"]] });
    const [x] = model.main.graph.inputs;
    model.main.graph.inputs = [model.main.initializers[0]!, x!, model.main.initializers[1]!];
    expect(freeInitializers(model)).toBe(2);
    expect(model.main.graph.inputs).toEqual([x]);
    expect(model.irVersion).toBe(4);
    expect(freeInitializers(model)).toBe(0);
  });

  it("keep the IR version where nothing was an input, or it is newer", () => {
    const old = onnxModel({ inputs: { x: [2] }, irVersion: 3, operators: [["Neg", ["x"], "y"]], outputs: ["y"] });
    expect(freeInitializers(old)).toBe(0);
    expect(old.irVersion).toBe(3);
    const newer = onnxModel({ constants: { w: normalTensor([2]) }, operators: [["Neg", ["w"], "y"]], outputs: ["y"] });
    newer.main.graph.inputs = [...newer.main.initializers];
    expect(freeInitializers(newer)).toBe(1);
    expect(newer.irVersion).toBe(8);
  });

  it("are dropped where nothing reads them and they are no outputs", () => {
    const constants = { read: normalTensor([1]), output: normalTensor([1]), unused: normalTensor([1]) };
    const model = onnxModel({ constants, operators: [["Neg", ["read"], "y"]], outputs: ["y", "output"] });
    addInitializer(model, "added", floatTensor([1], [2]));
    expect(dropUnusedInitializers(model)).toBe(2);
    expect(model.main.initializers.map(({ name }) => name)).toEqual(["read", "output"]);
  });
});

describe("fresh names", () => {
  it("are those of no value, operator, input or constant, in subgraphs neither", () => {
    const inner = (name: string) =>
      ({
        kind: "graph",
        value: onnxGraph({
          constants: { [`${name}_k`]: normalTensor([1]) },
          operators: [["Neg", [`${name}_k`], name]],
          outputs: [name],
        }),
      }) as const;
    const model = onnxModel({
      inputs: { x: [1], condition: { type: "bool", shape: [] } },
      constants: { w: normalTensor([1]) },
      operators: [
        ["If", ["condition"], ["y", "y_other"], { then_branch: inner("a"), else_branch: inner("b") }],
        ["Other", ["x", "w"], "z", { graphs: { kind: "graphs", value: [inner("c").value] } }],
      ],
      outputs: ["y"],
    });
    operatorOf(model, "z").name = "operator";
    const names = new FreshNames(model);
    for (const taken of ["x", "w", "y", "y_other", "z", "operator", "a", "a_k", "b", "c", "c_k"]) {
      expect(names.next(taken)).toBe(`${taken}_2`);
    }
    expect([names.next("new"), names.next("new"), names.next("new"), names.next("x")]).toEqual([
      "new",
      "new_2",
      "new_3",
      "x_3",
    ]);
  });
});

describe("rows that are scaled when they are read", () => {
  const base = Float32Array.from({ length: 12 }, (_, index) => index + 1);
  const factors = Float32Array.of(2, -1, 0.5);
  const whole = new Uint8Array(
    Float32Array.from(base, (value, index) => value * factors[Math.floor(index / 4)]!).buffer,
  );
  const rows = scaledRows(floatTensor([3, 4], base).data, factors);

  it("are the same whatever part is asked for", async () => {
    expect(rows.length).toBe(48);
    for (let offset = 0; offset <= 48; offset++) {
      for (let length = 0; offset + length <= 48; length++) {
        expect(await rows.read(offset, length)).toEqual(whole.subarray(offset, offset + length));
      }
    }
    expect(await rows.read()).toEqual(whole);
  });

  it("leave the base as it was", async () => {
    const model = onnxModel({
      inputs: { x: [1] },
      constants: { w: floatTensor([3], [1, 2, 3]) },
      operators: [["Mul", ["x", "w"], "y"]],
      outputs: ["y"],
    });
    const before = await outputsOf(model);
    await scaledRows(model.main.initializers[0]!.constant!.data, factors).read();
    expect(largestDifference(before, await outputsOf(model))).toBe(0);
  });
});
