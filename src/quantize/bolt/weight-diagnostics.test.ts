import { describe, expect, it } from "vitest";
import { boltModel } from "../../../test/models/bolt-model.ts";
import { onnxModel } from "../../../test/models/onnx-model.ts";
import { normalValues } from "../../../test/models/values.ts";
import type { ConvertOptions } from "../../convert/onnx-to-bolt/index.ts";
import { floatTensor } from "../../onnx/tensor-data.ts";
import type { PlanWarning } from "../plan.ts";
import { convertOnnxToBolt } from "./convert-to-bolt.ts";
import { type QuantizeBoltOptions, quantizeBolt } from "./quantize.ts";

/** A Conv of 16 channels with one weight and one bias set. */
function conv({ weight = 1, bias = 1 }: { readonly weight?: number; readonly bias?: number }) {
  const weights = normalValues(16 * 16 * 9, 3);
  weights[1000] = weight;
  const biases = normalValues(16, 4);
  biases[7] = bias;
  return onnxModel({
    inputs: { x: [1, 16, 6, 6] },
    constants: { w: floatTensor([16, 16, 3, 3], weights), b: floatTensor([16], biases) },
    operators: [["Conv", ["x", "w", "b"], "first", { pads: [1, 1, 1, 1] }]],
    outputs: ["first"],
  });
}

const x2bolt = async (numbers: Parameters<typeof conv>[0], precision: ConvertOptions["precision"]) =>
  shown((await convertOnnxToBolt(conv(numbers), { precision: precision! })).warnings);

async function quantized(numbers: Parameters<typeof conv>[0], options: QuantizeBoltOptions) {
  const { model } = await convertOnnxToBolt(conv(numbers), { precision: "PTQ" });
  const { plan } = await quantizeBolt(model, options);
  return shown(plan.warnings.filter(({ kind }) => kind === "float16-overflow" || kind === "broken-weight"));
}

const shown = (warnings: readonly PlanWarning[]) =>
  warnings.map(({ kind, subject, problem, remedy }) => `${kind} ${subject} ${problem} ${remedy}`);

describe("converting", () => {
  it("names what float16 makes infinite, and the way out", async () => {
    expect(await x2bolt({ weight: -70_000 }, "FP16")).toEqual([
      'float16-overflow weight of "first" it holds ±70000.0, which is infinite in float16 (largest: 65504) Give -i FP32',
    ]);
    expect(await x2bolt({ bias: 1e6 }, "FP16")).toEqual([
      expect.stringContaining('bias of "first" it holds ±1.00000e+6'),
    ]);
    expect(await x2bolt({ weight: 70_000, bias: 1e6 }, "FP32")).toEqual([]);
    expect(await x2bolt({ weight: 70_000, bias: 1e6 }, "PTQ")).toEqual([]);
  });

  it("knows which number is the first that becomes infinite", async () => {
    expect(await x2bolt({ weight: 65_519.99 }, "FP16")).toEqual([]);
    expect(await x2bolt({ weight: 65_520 }, "FP16")).toHaveLength(1);
  });

  it.each(["FP32", "FP16", "PTQ"] as const)("names NaN and infinity (%s)", async (precision) => {
    expect(await x2bolt({ weight: Number.NaN }, precision)).toEqual([
      expect.stringMatching(/^broken-weight weight of "first" it holds NaN/),
    ]);
    expect(await x2bolt({ bias: Number.NEGATIVE_INFINITY }, precision)).toEqual([
      expect.stringMatching(/^broken-weight bias of "first" it holds infinity/),
    ]);
  });
});

describe("quantizing", () => {
  it("names weights that are stored or computed with in float16", async () => {
    expect(await quantized({ weight: 70_000 }, { inference: "FP16" })).toEqual([expect.stringContaining("-i FP32")]);
    expect(await quantized({ weight: 70_000 }, { inference: "FP16", storage: "INT8" })).toHaveLength(1);
    expect(await quantized({ weight: 70_000 }, { inference: "INT8_FP16", storage: "NOQUANT" })).toEqual([
      expect.stringMatching(/^float16-overflow weight .* Give -i INT8_FP32$/),
    ]);
    expect(await quantized({ weight: 70_000 }, { inference: "INT8_FP32", storage: "FP16" })).toEqual([
      expect.stringContaining("Give -q INT8 or MIX"),
    ]);
    expect(await quantized({ weight: 70_000, bias: 70_000 }, { inference: "INT8_FP32", storage: "INT8" })).toEqual([]);
  });

  it("names NaN in any precision", async () => {
    for (const inference of ["FP32", "INT8_FP32", "INT8_FP16"] as const) {
      expect(await quantized({ weight: Number.NaN }, { inference })).toEqual([expect.stringContaining("it holds NaN")]);
    }
  });

  it("leaves integers alone", async () => {
    const bytes = new Uint8Array(Int32Array.of(0x7fc00000, 1).buffer);
    const model = boltModel({
      inputs: { x: [1, 2] },
      operators: [
        ["SharedWeight", [], "w", {}, { dataType: "I32", bytes }],
        ["Power", ["x"], "y", { scale: 2, shift: 0, power: 1 }],
      ],
      outputs: ["y"],
    });
    const { plan } = await quantizeBolt(model, { inference: "INT8_FP16" });
    expect(plan.warnings.filter(({ kind }) => kind === "broken-weight")).toEqual([]);
  });
});
