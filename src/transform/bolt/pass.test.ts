import { describe, expect, it } from "vitest";
import { boltModel, boltOperator } from "../../../test/models/bolt-model.ts";
import { conv, eltwise, network } from "../../../test/models/bolt-pass.ts";
import { dropRetired, onlyReader, RETIRED, retire } from "./pass.ts";

describe("retiring an operator", () => {
  it("lets its readers and the outputs read its input, and keeps its place", () => {
    const model = boltModel(
      network([["Neg", ["x"], "n"], conv("n", "c"), ["Abs", ["c"], "y"]], { outputs: ["y", "c"] }),
    );
    const [, node, reader] = model.graph.nodes;
    retire(model, node!, true);
    const source = boltOperator(model, "n").output();
    expect(reader!.input(0)).toBe(source);
    expect(model.graph.outputs[1]).toBe(source);
    expect([node!.type, node!.inputs, node!.outputs]).toEqual([RETIRED, [], []]);
    expect(model.weights.size).toBe(0);
    expect(model.graph.size).toBe(3);
    dropRetired(model);
    expect(model.graph.nodes.map(({ name }) => name)).toEqual(["n", "y"]);
  });

  it("leaves the readers alone unless it is bypassed", () => {
    const model = boltModel(
      network([
        ["Neg", ["x"], "n"],
        ["Abs", ["n"], "y"],
      ]),
    );
    const [node, reader] = model.graph.nodes;
    const output = node!.output();
    retire(model, node!, false);
    expect(reader!.input(0)).toBe(output);
    expect(output.producer).toBeUndefined();
    expect(model.graph.inputs[0]!.used).toBe(false);
  });
});

describe("onlyReader", () => {
  it.each([
    [
      "one",
      network([
        ["Neg", ["x"], "n"],
        ["Abs", ["n"], "y"],
      ]),
      "y",
    ],
    [
      "two",
      network([
        ["Neg", ["x"], "n"],
        ["Abs", ["n"], "y"],
        ["Abs", ["n"], "z"],
      ]),
      undefined,
    ],
    ["one that reads it twice", network([["Neg", ["x"], "n"], eltwise("SUM", ["n", "n"], "y")]), undefined],
    ["one that reads something else too", network([["Neg", ["x"], "n"], eltwise("SUM", ["x", "n"], "y")]), "y"],
    [
      "none",
      network([
        ["Neg", ["x"], "n"],
        ["Abs", ["x"], "y"],
      ]),
      undefined,
    ],
  ])("of %s", (_, init, name) => {
    const model = boltModel(init);
    expect(onlyReader(boltOperator(model, "n"))?.name).toBe(name);
  });
});
