import { describe, expect, it } from "vitest";
import {
  type OnnxModelInit,
  type OnnxOperator,
  onnxModel,
  operatorOf,
  typesOf,
} from "../../../test/models/onnx-model.ts";
import { outputsOf } from "../../../test/models/run.ts";
import { normalTensor } from "../../../test/models/values.ts";
import type { ElementType, Tensor } from "../../graph/tensor.ts";
import { encodedTensor, float32Of, floatTensor } from "../../onnx/tensor-data.ts";
import { removeFakeQuantization } from "./remove-fake-quantization.ts";

/** An activation through codes of `type` with this scale and zero point, then `Neg`. */
function activation(
  type: ElementType,
  scale: number,
  zero: number,
  producer: readonly OnnxOperator[] = [],
): OnnxModelInit {
  const source = producer.at(-1)?.[2] as string | undefined;
  return {
    inputs: { x: [5] },
    constants: { s: floatTensor([], [scale]), z: encodedTensor(type, [], [zero]), one: floatTensor([], [1]) },
    operators: [
      ...producer,
      ["QuantizeLinear", [source ?? "x", "s", "z"], "q"],
      ["DequantizeLinear", ["q", "s", "z"], "d"],
      ["Neg", ["d"], "y"],
    ],
    outputs: ["y"],
  };
}

const MUL: OnnxOperator = ["Mul", ["x", "one"], "m"];

describe("taking simulated quantization out", () => {
  it.each([
    ["uint8 around the middle", activation("uint8", 0.5, 128), 127 * 0.5],
    ["uint8 from zero", activation("uint8", 0.5, 0), 255 * 0.5],
    ["uint8 with more below zero", activation("uint8", 0.5, 200), 200 * 0.5],
    ["uint8 with more above zero", activation("uint8", 0.5, 50), 205 * 0.5],
    ["int8 around zero", activation("int8", 0.25, 0), 127 * 0.25],
    ["int8 from the least code", activation("int8", 0.25, -128), 255 * 0.25],
    ["int8 with more below zero", activation("int8", 0.25, 30), 158 * 0.25],
  ])("tells the clip value of %s, and keeps the numbers", async (_, init, clip) => {
    const model = onnxModel(init);
    const given = { x: [0, 1, -1.5, 3, -2] };
    const before = await outputsOf(model, given);
    const clips = await removeFakeQuantization(model);
    expect(clips).toEqual([{ operator: operatorOf(model, "y"), value: model.main.graph.inputs[0], clip }]);
    expect(typesOf(model.main)).toEqual(["Neg"]);
    expect(model.main.initializers).toEqual([]);
    const kept = before.values[0]!.map((value, index) => (value === 0 ? -given.x[index]! || 0 : value));
    expect((await outputsOf(model, given)).values[0]!.map((value) => value + 0)).toEqual(
      kept.map((value) => value + 0),
    );
  });

  it.each([
    ["uint16", 32768, 32767],
    ["uint16", 0, 65535],
    ["int16", 0, 32767],
    ["int16", -32768, 65535],
  ] as const)("knows the ends of %s with the zero point %i", async (type, zero, levels) => {
    const [found] = await removeFakeQuantization(onnxModel(activation(type, 2, zero)));
    expect(found!.clip).toBe(2 * levels);
  });

  it("takes a missing zero point for 0 of uint8", async () => {
    const model = onnxModel(activation("uint8", 0.5, 0));
    for (const name of ["q", "d"]) operatorOf(model, name).setInputs(operatorOf(model, name).inputs.slice(0, 2));
    const [found] = await removeFakeQuantization(model);
    expect(found!.clip).toBe(127.5);
  });

  it.each([
    ["uint8", 0, ["Mul", "Relu", "Neg"]],
    ["int8", -128, ["Mul", "Relu", "Neg"]],
    ["uint8", 1, ["Mul", "Neg"]],
    ["int8", 0, ["Mul", "Neg"]],
  ] as const)(
    "leaves a Relu where codes of %s with zero point %i cut the negative numbers of a Mul off",
    async (type, zero, types) => {
      const model = onnxModel(activation(type, 0.5, zero, [MUL]));
      const given = { x: [0, 1, -1.5, 3, 2] };
      const before = await outputsOf(model, given);
      const [found] = await removeFakeQuantization(model);
      expect(typesOf(model.main)).toEqual(types);
      expect(found!.value.name).toBe(types.includes("Relu" as never) ? "m/relu" : "m");
      if (types.includes("Relu" as never)) expect(await outputsOf(model, given)).toEqual(before);
    },
  );

  it("puts no Relu behind what gives no negative number", async () => {
    const model = onnxModel(activation("uint8", 0.5, 0, [["Sigmoid", ["x"], "m"]]));
    await removeFakeQuantization(model);
    expect(typesOf(model.main)).toEqual(["Sigmoid", "Neg"]);
  });

  const quant = (signed: number | undefined, bits: number): OnnxModelInit => ({
    inputs: { x: [2, 3] },
    constants: {
      s: floatTensor([], [0.5]),
      z: floatTensor([], [0]),
      bits: floatTensor([], [bits]),
      one: floatTensor([], [1]),
    },
    operators: [
      MUL,
      ["Quant", ["m", "s", "z", "bits"], "d", signed === undefined ? {} : { signed }],
      ["Neg", ["d"], "y"],
    ],
    outputs: ["y"],
  });

  it.each([
    [undefined, 8, 127 * 0.5, ["Mul", "Neg"]],
    [1, 4, 7 * 0.5, ["Mul", "Neg"]],
    [0, 4, 15 * 0.5, ["Mul", "Relu", "Neg"]],
  ])("reads QONNX's Quant, signed %s, of %i bits", async (signed, bits, clip, types) => {
    const model = onnxModel(quant(signed, bits));
    const clips = await removeFakeQuantization(model);
    expect(clips.map((found) => [found.operator.name, found.clip])).toEqual([["y", clip]]);
    expect(typesOf(model.main)).toEqual(types);
  });

  const stored = (codes: Tensor, scale: Tensor, zero: Tensor | undefined, axis?: number): OnnxModelInit => ({
    inputs: { x: [2, 3] },
    constants: { codes, scale, ...(zero === undefined ? {} : { zero }) },
    operators: [
      [
        "DequantizeLinear",
        ["codes", "scale", ...(zero === undefined ? [] : ["zero"])],
        "w",
        axis === undefined ? {} : { axis },
      ],
      ["Add", ["x", "w"], "y"],
    ],
    outputs: ["y"],
  });
  const codes = encodedTensor("int8", [2, 3], [1, 2, 3, -4, -5, -6]);

  it.each([
    ["one scale", stored(codes, floatTensor([], [0.5]), undefined), 3],
    ["one scale and zero point", stored(codes, floatTensor([], [0.5]), encodedTensor("int8", [], [2])), 4],
    ["a scale a row", stored(codes, floatTensor([2], [0.5, 2]), encodedTensor("int8", [2], [0, 1]), 0), 14],
    ["a scale a column, the default axis", stored(codes, floatTensor([3], [0.5, 2, 1]), undefined), 10],
    ["a scale a column, counted from the end", stored(codes, floatTensor([3], [0.5, 2, 1]), undefined, -1), 10],
  ])("makes floats of stored codes with %s", async (_, init, clip) => {
    const model = onnxModel(init);
    const before = await outputsOf(model);
    const clips = await removeFakeQuantization(model);
    expect(typesOf(model.main)).toEqual(["Add"]);
    const [weight] = model.main.initializers;
    expect(weight!.name).toBe("codes/float");
    expect(clips).toEqual([{ operator: operatorOf(model, "y"), value: weight, clip }]);
    expect((await float32Of(weight!.constant!)).reduce((most, value) => Math.max(most, Math.abs(value)), 0)).toBe(clip);
    expect(await outputsOf(model)).toEqual(before);
  });

  it("tells of each reader, and takes the largest of many scales", async () => {
    const model = onnxModel({
      inputs: { x: [2, 3] },
      constants: { s: floatTensor([3], [0.5, 2, 1]), z: encodedTensor("int8", [3], [0, 0, 0]) },
      operators: [
        ["QuantizeLinear", ["x", "s", "z"], "q"],
        ["DequantizeLinear", ["q", "s", "z"], "d"],
        ["Neg", ["d"], "y"],
        ["Abs", ["d"], "w"],
      ],
      outputs: ["y", "w"],
    });
    const clips = await removeFakeQuantization(model);
    expect(clips.map(({ operator, clip }) => [operator.name, clip])).toEqual([
      ["y", 254],
      ["w", 254],
    ]);
  });

  it("leaves what is scaled while the network runs", async () => {
    const init = activation("uint8", 0.5, 0);
    for (const input of ["s", "z"]) {
      const model = onnxModel({
        ...init,
        constants: { ...init.constants, k: init.constants![input]! },
        operators: [["Abs", ["k"], "v"], ...init.operators],
      });
      for (const name of ["q", "d"])
        operatorOf(model, name).setInput(input === "s" ? 1 : 2, operatorOf(model, "v").output());
      expect(await removeFakeQuantization(model)).toEqual([]);
      expect(typesOf(model.main)).toEqual(["Abs", "QuantizeLinear", "DequantizeLinear", "Neg"]);
    }
  });

  it("leaves codes that are computed, or that go out", async () => {
    const computed = onnxModel({
      inputs: { x: { type: "uint8", shape: [3] } },
      constants: { s: floatTensor([], [1]) },
      operators: [
        ["DequantizeLinear", ["x", "s"], "d"],
        ["Neg", ["d"], "y"],
      ],
      outputs: ["y"],
    });
    expect(await removeFakeQuantization(computed)).toEqual([]);
    const out = onnxModel({ ...activation("uint8", 0.5, 0), outputs: ["y", "q"] });
    expect(await removeFakeQuantization(out)).toHaveLength(1);
    expect(typesOf(out.main)).toEqual(["QuantizeLinear", "Neg"]);
  });

  it("keeps the name of an output of the network", async () => {
    const model = onnxModel({ ...activation("int8", 0.25, 0, [MUL]), outputs: ["d"] });
    await removeFakeQuantization(model);
    expect(typesOf(model.main)).toEqual(["Mul", "Neg"]);
    expect(model.main.graph.outputs.map(({ name, producer }) => [name, producer?.type])).toEqual([["d", "Mul"]]);
    const two = onnxModel({ ...activation("int8", 0.25, 0, [MUL]), outputs: ["m", "d"] });
    await removeFakeQuantization(two);
    expect(two.main.graph.outputs.map(({ name, producer }) => [name, producer?.type])).toEqual([
      ["m", "Mul"],
      ["d", "Identity"],
    ]);
    const input = onnxModel({ ...activation("int8", 0.25, 0), outputs: ["d", "y"] });
    const [found] = await removeFakeQuantization(input);
    expect(typesOf(input.main)).toEqual(["Identity", "Neg"]);
    expect(found!.value).toBe(input.main.graph.outputs[0]);
    expect((await outputsOf(input)).names).toEqual(["d", "y"]);
  });

  it("leaves a model without quantization alone", async () => {
    const model = onnxModel({
      inputs: { x: [3] },
      constants: { w: normalTensor([3]) },
      operators: [["Add", ["x", "w"], "y"]],
      outputs: ["y"],
    });
    expect(await removeFakeQuantization(model)).toEqual([]);
    expect(model.main.initializers).toHaveLength(1);
  });
});
