import { expect, it } from "vitest";
import { DEFAULT_BOLT, DEFAULT_ONNX } from "./choices.ts";
import { commandOf } from "./command.ts";
import type { Settings } from "./job/job.ts";
import { DEFAULT_PICTURES, picturesOf } from "./picture-form.ts";

function settings(target: Settings["target"], change: Partial<Settings> = {}): Settings {
  return { target, onnx: DEFAULT_ONNX, bolt: DEFAULT_BOLT, pictures: picturesOf(target, DEFAULT_PICTURES), ...change };
}

it("says how an ONNX model is made, with a name that a shell takes", () => {
  expect(commandOf("my net.onnx", settings("ort-web"), true)).toBe(
    "boltq quantize 'my net.onnx' --data EXAMPLES --preprocess raw --recipe int8 --for ort-web --effort default -o 'my net_int8.onnx'",
  );
});

it("leaves out what only examples need where there are none", () => {
  const onnx = { ...DEFAULT_ONNX, recipe: "int8-dynamic" };
  expect(commandOf("net.onnx", settings("ort", { onnx }), false)).toBe(
    "boltq quantize net.onnx --recipe int8-dynamic --for ort -o net_int8-dynamic.onnx",
  );
});

it("says both programs for Bolt, and one where the model is the quantizer's input", () => {
  expect(commandOf("net.tflite", settings("bolt"), true)).toBe(
    "X2bolt -d . -m net -i PTQ\npost_training_quantization -p net_ptq_input.bolt -i INT8_FP16",
  );
  const bolt = { ...DEFAULT_BOLT, storage: "MIX", static: true, best: true } as const;
  expect(commandOf("net_ptq_input.bolt", settings("bolt", { bolt }), true)).toBe(
    "post_training_quantization -p net_ptq_input.bolt -i INT8_FP16 -q MIX -d EXAMPLES -f RGB -m 1 -o true --accuracy best",
  );
});
