import { expect, it } from "vitest";
import { directRuntime } from "../../../test/models/direct-runtime.ts";
import { normalPictures, onnxNetwork } from "../../../test/models/networks.ts";
import { compareModels } from "../../evaluate/compare.ts";
import { quantizeOnnx } from "./quantize-onnx.ts";

it("an operator that a recipe leaves in float between quantized ones stays float in ONNX Runtime", async () => {
  const runtime = await directRuntime();
  const recipe = { floatStem: false, rules: [{ names: ["conv2"], precision: "float" }] } as const;
  const { model } = await quantizeOnnx(onnxNetwork(), { recipe, dataset: normalPictures(8), effort: "fast", runtime });
  const { inner } = await compareModels(onnxNetwork(), model, normalPictures(3, 500), {
    layers: true,
    timedSamples: 0,
  });
  // With its weights made int8 for all channels together it is 37 dB from what the operators say.
  expect(inner!.optimized[0]!.decibels).toBeGreaterThan(50);
});
