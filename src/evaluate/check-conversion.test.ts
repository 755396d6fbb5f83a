import { describe, expect, it } from "vitest";
import { type OnnxModelInit, onnxModel } from "../../test/models/onnx-model.ts";
import { normalTensor } from "../../test/models/values.ts";
import type { BoltModel } from "../bolt/model.ts";
import { lowerToBolt } from "../convert/onnx-to-bolt/index.ts";
import { memoryBytes } from "../io/bytes.ts";
import { loadRuntime } from "../runtime/load.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { checkConversion } from "./check-conversion.ts";

const layers: OnnxModelInit = {
  inputs: { x: [1, 5, 6, 3] },
  constants: { first: normalTensor([4, 3, 3, 3]), second: normalTensor([2, 4, 1, 1], 2) },
  operators: [
    ["Transpose", ["x"], "t", { perm: [0, 3, 1, 2] }],
    ["Conv", ["t", "first"], "a"],
    ["Relu", ["a"], "b"],
    ["Conv", ["b", "second"], "y"],
  ],
  outputs: ["y"],
};

/** The runtime in this thread: no worker is started for each of many small models. */
async function directRuntime(): Promise<Runtime> {
  const runtime = await loadRuntime();
  return {
    ...runtime,
    createSession: (model, options) => runtime.createSession(model, { ...options, placement: "direct" }),
  };
}

/** Checks what a model is converted to after `change` was made to that. */
async function check(init: OnnxModelInit, change: (model: BoltModel) => void = () => {}, options = {}) {
  const converted = await lowerToBolt(onnxModel(init), options);
  change(converted.model);
  return checkConversion(onnxModel(init), converted, { runtime: await directRuntime() });
}

describe("checking a conversion", () => {
  it("finds nothing where both models give the same, in whatever order the input's axes are taken", async () => {
    expect(await check(layers)).toBeUndefined();
    expect(await check(layers, () => {}, { keepLayout: true })).toBeUndefined();
    expect(await check(layers, () => {}, { precision: "PTQ", inputNames: ["p"], outputNames: ["q"] })).toBeUndefined();
  });

  it("names the output, the difference and the first operator that differs", async () => {
    const spoil = ({ weights }: BoltModel) => {
      const [, second] = [...weights];
      second!.weight = memoryBytes(new Uint8Array(second!.weight.length));
    };
    await expect(check(layers, spoil)).rejects.toMatchObject({
      code: "mismatch",
      message: expect.stringMatching(/its output "y" differs by up to \d.*first operator.*\(Conv\).*--no-check/),
    });
  });

  it("says why it cannot tell: operators that draw numbers", async () => {
    const drawing: OnnxModelInit = {
      inputs: { x: [4] },
      operators: [
        ["RandomUniform", [], "r", { shape: [4] }],
        ["Add", ["x", "r"], "y"],
      ],
      outputs: ["y"],
    };
    const converted = await lowerToBolt(onnxModel(layers));
    expect(await checkConversion(onnxModel(drawing), converted)).toMatch(/draws random numbers/);
  });

  it("gives integer inputs numbers that are indices", async () => {
    const embedding: OnnxModelInit = {
      inputs: { x: { type: "int64", shape: [1, 3] } },
      constants: { table: normalTensor([5, 4]) },
      operators: [["Gather", ["table", "x"], "y"]],
      outputs: ["y"],
    };
    expect(await check(embedding)).toBeUndefined();
  });
});
