import { describe, expect, it } from "vitest";
import { type BoltOperator, boltModel } from "../../test/models/bolt-model.ts";
import { type OnnxOperator, onnxModel } from "../../test/models/onnx-model.ts";
import { smallNetwork } from "../../test/models/small-network.ts";
import type { BoltModel } from "../bolt/model.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { floatTensor } from "../onnx/tensor-data.ts";
import { diffModels } from "./difference.ts";

const LEAKY: OnnxOperator = ["LeakyRelu", ["x"], "y", { alpha: 0.1 }];

function network(change: {
  readonly operators?: readonly OnnxOperator[];
  readonly weight?: readonly number[];
  readonly shape?: readonly number[];
  readonly output?: string;
}): OnnxModel {
  const { weight = [3, 4], shape = [weight.length], operators = [LEAKY], output = "z" } = change;
  return onnxModel({
    inputs: { x: [1, 2] },
    constants: { w: floatTensor(shape, weight) },
    operators: [...operators, ["Mul", ["y", "w"], "z"]],
    outputs: [output],
  });
}

describe("the difference of two ONNX models", () => {
  it("is none of a model from itself", async () => {
    expect(await diffModels(network({}), network({}))).toEqual([]);
    expect(await diffModels(smallNetwork(), smallNetwork())).toEqual([]);
  });

  it("names a parameter that differs, that one alone has, and by how little it may differ", async () => {
    const other = (alpha: number) => network({ operators: [["LeakyRelu", ["x"], "y", { alpha }]] });
    const near = 0.1 + 2 ** -50;
    expect(await diffModels(network({}), other(near))).toEqual([
      { kind: "parameter", subject: "y: alpha", first: 0.1, second: near },
    ]);
    expect(await diffModels(network({}), network({ operators: [["LeakyRelu", ["x"], "y"]] }))).toEqual([
      { kind: "parameter", subject: "y: alpha", first: 0.1, second: undefined },
    ]);
  });

  it("tells zeros, infinities and NaN apart", async () => {
    const of = (alpha: number) => network({ operators: [["LeakyRelu", ["x"], "y", { alpha }]] });
    const numbers = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const first of numbers) {
      for (const second of numbers) {
        expect(await diffModels(of(first), of(second))).toHaveLength(Object.is(first, second) ? 0 : 1);
      }
    }
  });

  it("names operators of another type, in another order, and those that one alone has", async () => {
    const relu = network({ operators: [["Relu", ["x"], "y"]] });
    expect(await diffModels(network({}), relu)).toEqual([
      { kind: "operator", subject: "y: type", first: "LeakyRelu", second: "Relu" },
      { kind: "parameter", subject: "y: alpha", first: 0.1, second: undefined },
    ]);
    const longer = network({ operators: [LEAKY, ["Neg", ["x"], "n"]] });
    expect(await diffModels(network({}), longer)).toEqual([
      { kind: "operator", subject: "n", first: undefined, second: "Neg" },
    ]);
    expect(await diffModels(longer, network({}))).toEqual([
      { kind: "operator", subject: "n", first: "Neg", second: undefined },
    ]);
    const turned = network({ operators: [["Neg", ["x"], "n"], LEAKY] });
    expect(await diffModels(longer, turned)).toEqual([
      { kind: "operator", subject: "order, from operator 0", first: "y", second: "n" },
    ]);
  });

  it("names what operators read, inputs and outputs", async () => {
    const crossed = network({ operators: [LEAKY, ["Add", ["x", "y"], "s"]] });
    const swapped = network({ operators: [LEAKY, ["Add", ["y", "x"], "s"]] });
    expect(await diffModels(crossed, swapped)).toEqual([
      { kind: "operator", subject: "s: inputs", first: ["x", "y"], second: ["y", "x"] },
    ]);
    const [difference, ...others] = await diffModels(network({}), network({ output: "y" }));
    expect(others).toEqual([]);
    expect(difference).toMatchObject({ kind: "output", subject: "z" });
  });

  it("measures weights that differ, where they are of one size", async () => {
    const [weight, ...others] = await diffModels(network({}), network({ weight: [3, 4.5] }));
    expect(others).toEqual([]);
    expect(weight).toMatchObject({ kind: "weight", subject: "w" });
    expect(weight!.decibels).toBeCloseTo(20, 6);
    expect(await diffModels(network({}), network({ weight: [3, 4, 5] }))).toMatchObject([{ decibels: null }]);
    expect(await diffModels(network({ shape: [2] }), network({ shape: [1, 2] }))).toMatchObject([
      { kind: "weight", decibels: Number.POSITIVE_INFINITY },
    ]);
  });
});

describe("the difference of two Bolt models", () => {
  const model = (alpha: number, { operators = [], weight = [1, 2] }: Change = {}): BoltModel =>
    boltModel({
      inputs: { x: [1, 2] },
      operators: [["SharedWeight", [], "w", {}, { weight }], ["Power", ["x"], "y", { scale: alpha }], ...operators],
      outputs: ["y"],
    });
  interface Change {
    readonly operators?: readonly BoltOperator[];
    readonly weight?: readonly number[];
  }

  it("names parameters, labels and weights", async () => {
    expect(await diffModels(model(2), model(2))).toEqual([]);
    expect(await diffModels(model(2), model(3))).toEqual([
      { kind: "parameter", subject: "y: scale", first: 2, second: 3 },
    ]);
    expect(await diffModels(model(2), model(2, { weight: [1, 3] }))).toMatchObject([
      { kind: "weight", subject: "w", first: "F32", second: "F32" },
    ]);
    const labelled = model(2);
    labelled.graph.nodes[1]!.data.scales = [Float32Array.of(-1)];
    expect(await diffModels(model(2), labelled)).toEqual([{ kind: "scale", subject: "y", first: [], second: [[-1]] }]);
  });

  it("is more than the format against ONNX", async () => {
    const found = await diffModels(model(2), network({}));
    expect(found[0]).toEqual({ kind: "header", subject: "format", first: "bolt", second: "onnx" });
  });
});
