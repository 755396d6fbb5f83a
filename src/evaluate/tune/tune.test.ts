import { beforeAll, describe, expect, it } from "vitest";
import { directRuntime } from "../../../test/models/direct-runtime.ts";
import { normalPictures, onnxNetwork } from "../../../test/models/networks.ts";
import { memorySource } from "../../io/bytes.ts";
import { readOnnx } from "../../onnx/read.ts";
import { quantizeOnnx } from "../../quantize/onnx/quantize-onnx.ts";
import { bytesOf } from "../../quantize/refine/partial-model.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { DECIBELS } from "./metrics.ts";
import { parseTuneState, printTuneState } from "./state.ts";
import { type TuneState, tuneOnnx } from "./tune.ts";

describe("tuning", () => {
  let runtime: Runtime;
  let bytes: Uint8Array;
  beforeAll(async () => {
    runtime = await directRuntime();
    bytes = await bytesOf(onnxNetwork());
  });
  const dataset = normalPictures(6);
  const options = () => ({ dataset, metric: DECIBELS, objective: "size", runtime }) as const;

  it("takes all in int8 where the limit allows it, and else leaves operators in float until it is met", async () => {
    const loose = await tuneOnnx(bytes, { ...options(), maxDrop: 5 });
    expect(loose.best).toMatchObject({ what: "all in int8", operators: 6 });
    expect(loose.costs.map(({ name }) => name)).toEqual(["conv1", "conv2", "conv3"]);
    for (const { noise, float, int8 } of loose.costs) {
      expect(noise).toBeGreaterThan(0);
      expect(float).toBeGreaterThan(0);
      expect(int8).toBeGreaterThan(0);
    }
    const limit = loose.best.drop / 3;
    const { best, trials } = await tuneOnnx(bytes, { ...options(), maxDrop: limit });
    expect(best.drop).toBeLessThanOrEqual(limit);
    expect(best.operators).toBeLessThan(6);
    expect(best.bytes).toBe(Math.min(...trials.filter(({ drop }) => drop <= limit).map((trial) => trial.bytes)));
  });

  it("keeps the float model where nothing else is within the limit", async () => {
    const { best } = await tuneOnnx(bytes, { ...options(), maxDrop: 0 });
    expect(best).toMatchObject({ what: "all in float", operators: 0, drop: 0 });
  });

  it("gives a recipe that makes the same model again", async () => {
    const { best, quantized } = await tuneOnnx(bytes, { ...options(), maxDrop: 0.05 });
    const again = await quantizeOnnx(await readOnnx(memorySource(bytes)), { recipe: best.recipe, dataset, runtime });
    expect(await bytesOf(again.model)).toEqual(await bytesOf(quantized!.model));
  });

  it("goes on from what it found before, without measuring it again", async () => {
    const states: TuneState[] = [];
    const first = await tuneOnnx(bytes, { ...options(), maxDrop: 5, onState: (state) => void states.push(state) });
    const state = parseTuneState(printTuneState(states.at(-1)!, "key"), "state.json", "key");
    const second = await tuneOnnx(bytes, { ...options(), maxDrop: 5, state });
    expect(second.best).toEqual(first.best);
    expect(second.quantized).toBeUndefined();
    expect(second.costs).toEqual(first.costs);
    expect(() => parseTuneState(printTuneState(states.at(-1)!, "key"), "state.json", "another")).toThrow(
      "another model",
    );
  });
});
