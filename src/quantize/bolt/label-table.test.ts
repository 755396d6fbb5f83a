import { describe, expect, it } from "vitest";
import { boltOperator } from "../../../test/models/bolt-model.ts";
import { boltNetwork } from "../../../test/models/networks.ts";
import type { LayerClips } from "../scale-table.ts";
import { checkScaleTable, labelGlobalClip, labelStatic } from "./label-table.ts";
import type { Labels } from "./labels.ts";

const clips = (inputs: Record<string, number>, outputs: Record<string, number> = {}, weights = {}): LayerClips => ({
  inputs: new Map(Object.entries(inputs)),
  outputs: new Map(Object.entries(outputs)),
  weights: new Map(Object.entries(weights)),
});

const labelsOf = (labels: Labels) => Object.fromEntries([...labels].map(([{ name }, { label }]) => [name, label]));

describe("a table's layers", () => {
  it("alone compute in int8, with its clip values", () => {
    const model = boltNetwork();
    const layer = clips({ conv2: 3 });
    const { labels, clips: given, warnings } = labelStatic(model, new Map([["conv3", layer]]));
    expect(labelsOf(labels)).toEqual({ conv1: "float", conv2: "float", conv3: "int8-to-float" });
    expect([...given]).toEqual([[boltOperator(model, "conv3"), layer]]);
    expect(warnings).toEqual([]);
  });

  it("stay float where Bolt computes in float, with a warning", () => {
    const model = boltNetwork([["Sigmoid", ["conv2"], "between"]]);
    const layers = new Map([
      ["conv1", clips({ x: 1 })],
      ["between", clips({ conv2: 1 })],
    ]);
    const { labels, clips: given, warnings } = labelStatic(model, layers);
    expect(labelsOf(labels)).toEqual({ conv1: "float", conv2: "float", between: "float", conv3: "float" });
    expect(given.size).toBe(0);
    expect(warnings.map(({ kind, subject }) => `${kind} ${subject}`)).toEqual([
      'stays-float operator "conv1" (Conv)',
      'stays-float operator "between" (Sigmoid)',
    ]);
  });

  it("that are no matrix operators may stay float", () => {
    const model = boltNetwork([["Relu", ["conv2"], "between"]]);
    const { warnings } = labelStatic(model, new Map([["between", clips({ conv2: 1 })]]));
    expect(warnings).toMatchObject([{ kind: "may-not-be-quantized", subject: 'operator "between" (Relu)' }]);
  });

  it("give int8 to readers that take it; else there is a warning", () => {
    const pair = new Map([
      ["conv2", clips({ conv1: 2 }, { conv2: 3 })],
      ["conv3", clips({ conv2: 3 })],
    ]);
    expect(labelStatic(boltNetwork(), pair).warnings).toEqual([]);
    const alone = new Map([["conv2", clips({ conv1: 2 }, { conv2: 3 })]]);
    const [read] = labelStatic(boltNetwork(), alone).warnings;
    expect(read).toMatchObject({ kind: "int8-read-as-float", subject: 'output "conv2" of "conv2"' });
    expect(read!.problem).toContain('"conv3" (Conv) computes in float');
    const last = new Map([["conv3", clips({ conv2: 2 }, { conv3: 3 })]]);
    expect(labelStatic(boltNetwork(), last).warnings[0]!.problem).toContain("it is an output of the network");
  });
});

describe("a table of another network", () => {
  const checked = (name: string, layer: LayerClips) => () =>
    checkScaleTable({ kind: "static", layers: new Map([[name, layer]]) }, boltNetwork(), "t.json");

  it("is refused, with the nearest names", () => {
    expect(checked("conv2", clips({ conv1: 1 }, { conv2: 1 }, { w: 1 }))).not.toThrow();
    expect(checked("cnv3", clips({}))).toThrow(/layer "cnv3".*nearest names are "conv3", "conv1", "conv2"/s);
    expect(checked("conv2", clips({ conv3: 1 }))).toThrow(/input "conv3" of the layer "conv2".*"conv1"/s);
    expect(checked("conv2", clips({}, { conv1: 1 }))).toThrow(/output "conv1" of the layer "conv2".*"conv2"/s);
    expect(checked("conv2", clips({}, {}, { w: 1, v: 1 }))).toThrow(/one weight, but the table has clip values for 2/);
  });

  it("is refused where it clips a weight that is not there", () => {
    const model = boltNetwork([["Relu", ["conv2"], "between"]]);
    const layers = new Map([["between", clips({}, {}, { w: 1 })]]);
    expect(() => checkScaleTable({ kind: "static", layers }, model, "t.json")).toThrow(
      /"between" has no weight to clip/,
    );
  });

  it("is refused where it names operators by choice", () => {
    const choice = { quantized: new Set(["conv2"]), float: new Set(["conv4"]) };
    expect(() => checkScaleTable({ kind: "dynamic", choice }, boltNetwork(), "t.json")).toThrow(/layer "conv4"/);
  });
});

it("one clip value for all: matrix operators clip their inputs, all others compute in float", () => {
  const model = boltNetwork();
  const { labels, clips: given } = labelGlobalClip(model, 0.1, ({ name }) => name === "conv2");
  expect(labelsOf(labels)).toEqual({ conv1: "float", conv2: "int8-to-float", conv3: "float" });
  expect([...given.keys()]).toEqual([boltOperator(model, "conv2")]);
  expect(given.get(boltOperator(model, "conv2"))).toEqual(clips({ conv1: Math.fround(0.1) }));
});
