import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { describeWithShared, sharedPath } from "../../test/shared.ts";
import type { Dataset, Sample } from "../data/dataset.ts";
import { denseTensor, denseValues } from "../graph/dense-values.ts";
import { memorySource } from "../io/bytes.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { readOnnx } from "../onnx/read.ts";
import { inferShapes } from "../onnx/shape-inference.ts";
import { loadRuntime } from "../runtime/load.ts";
import { raiseOpset } from "../transform/onnx/raise-opset.ts";
import { collectObservations } from "./collect.ts";
import { countOf } from "./histogram.ts";
import { mergeObservations } from "./observations.ts";
import { parseObservations, printObservations } from "./observations-file.ts";
import type { Collected } from "./statistics.ts";

/** Numbers that are the same at each call, larger for later examples, so that histograms must grow. */
function example(index: number): Sample {
  const values = Float32Array.from(
    { length: 3 * 32 * 32 },
    (_, place) => Math.sin(place * (index + 1)) * 2 ** (index % 7),
  );
  return { name: `example${index}`, inputs: new Map([["input", denseTensor("float32", [1, 3, 32, 32], values)]]) };
}

function dataset(indices: readonly number[]): Dataset {
  const samples = indices.map(example);
  return {
    length: samples.length,
    names: samples.map(({ name }) => name),
    async *samples() {
      yield* samples;
    },
  };
}

async function open(): Promise<OnnxModel> {
  const path = sharedPath("golden/bolt/smallcnn/smallcnn.onnx");
  const model = await readOnnx(memorySource(new Uint8Array(readFileSync(path)), path));
  await raiseOpset(model);
  await inferShapes(model);
  return model;
}

/** All kinds of all inputs of convolutions. */
function needsOf({ main: { graph } }: OnnxModel, kinds: readonly Collected[]): Map<string, Set<Collected>> {
  const read = graph.nodes.filter(({ type }) => type === "Conv").map((node) => node.input(0).name);
  return new Map(read.map((name) => [name, new Set(kinds)]));
}

const ALL: readonly Collected[] = ["histogram", "moments", "channels"];
const INDICES = Array.from({ length: 11 }, (_, index) => index);

describeWithShared("collecting observations", () => {
  it.each([ALL, ["sample"], ["extremes"]] as const)(
    "gives the same bytes for any order and split (%s)",
    async (...kinds) => {
      const model = await open();
      const needs = needsOf(model, kinds);
      const collect = async (indices: readonly number[]) => collectObservations(model, needs, dataset(indices));
      const whole = printObservations(await collect(INDICES));
      expect(printObservations(await collect(INDICES.toReversed()))).toBe(whole);
      const shards = [];
      for (const part of [0, 1, 2]) shards.push(await collect(INDICES.filter((index) => index % 3 === part)));
      expect(printObservations(mergeObservations(shards.toReversed()))).toBe(whole);
      expect(printObservations(parseObservations(whole, "statistics"))).toBe(whole);
    },
  );

  it("counts and sums what the numbers are", async () => {
    const model = await open();
    const { values } = await collectObservations(model, needsOf(model, ALL), dataset(INDICES));
    const numbers = INDICES.flatMap((index) => Array.from(denseValues(example(index).inputs.get("input")!)));
    const seen = values.get("input")!;
    expect(seen.numbers).toBe(numbers.length);
    expect(seen.minimum).toBe(numbers.reduce((least, value) => Math.min(least, value)));
    expect(seen.maximum).toBe(numbers.reduce((most, value) => Math.max(most, value)));
    const { exponent, positive, negative } = seen.histogram!;
    const expected = { positive: new Float64Array(2048), negative: new Float64Array(2048) };
    for (const value of numbers) {
      const bin = Math.trunc((value * 2048) / 2 ** exponent);
      if (bin < 0) expected.negative[-bin]!++;
      else expected.positive[bin]!++;
    }
    expect(positive).toEqual(expected.positive);
    expect(negative).toEqual(expected.negative);
    for (const { histogram, numbers: count } of values.values()) expect(countOf(histogram!)).toBe(count);
  });

  it("does not depend on threads: a runtime in the calling thread gives the same", async () => {
    const model = await open();
    const needs = needsOf(model, ALL);
    const runtime = await loadRuntime();
    const direct: typeof runtime = {
      ...runtime,
      placement: "direct",
      createSession: (bytes, options) => runtime.createSession(bytes, { ...options, placement: "direct" }),
    };
    const here = await collectObservations(model, needs, dataset(INDICES), { runtime: direct });
    expect(printObservations(here)).toBe(printObservations(await collectObservations(model, needs, dataset(INDICES))));
  });

  it("leaves the model as it was, and refuses what cannot be observed", async () => {
    const model = await open();
    const before = [model.main.graph.size, model.main.initializers.length, model.main.graph.outputs.length];
    await collectObservations(model, needsOf(model, ALL), dataset([1]));
    expect([model.main.graph.size, model.main.initializers.length, model.main.graph.outputs.length]).toEqual(before);
    await expect(collectObservations(model, new Map([["nothing", new Set()]]), dataset([1]))).rejects.toMatchObject({
      code: "usage",
    });
    await expect(collectObservations(model, needsOf(model, ALL), dataset([]))).rejects.toMatchObject({
      code: "invalid-data",
    });
    const infinite: Sample = {
      name: "infinite",
      inputs: new Map([
        ["input", denseTensor("float32", [1, 3, 32, 32], new Float32Array(3072).fill(Number.POSITIVE_INFINITY))],
      ]),
    };
    const bad: Dataset = {
      length: 1,
      names: ["infinite"],
      async *samples() {
        yield infinite;
      },
    };
    await expect(collectObservations(model, needsOf(model, ALL), bad)).rejects.toMatchObject({ code: "invalid-data" });
  });
});
