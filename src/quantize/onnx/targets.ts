import type { WeightForm } from "../plan.ts";

/** What shall run a quantized ONNX model. */
export type RuntimeTarget = "ort" | "ort-web" | "webgpu" | "transformers.js" | "bolt";

/** Whether a form has a place on a target, and why (by ONNX Runtime 1.30 to 1.32). */
export interface Suitability {
  readonly suits: boolean;
  readonly reason: string;
}

type Forms = Readonly<Record<WeightForm, Suitability>>;

const yes = (reason: string): Suitability => ({ suits: true, reason });
const no = (reason: string): Suitability => ({ suits: false, reason });

const ORT: Forms = {
  "dynamic-int8": yes("integer products in the range of each run, fused by ONNX Runtime"),
  "matmul-blocks": yes("4 or 8 bits in memory, with kernels of their own"),
  "matmul-nf4": yes("4 bits in memory"),
  "gather-blocks": yes("only the rows that are looked up are scaled back"),
  "gather-rows": yes("only the rows that are looked up are scaled back"),
  float16: yes("half the bytes; processors compute in float32 all the same"),
  cast: yes("widened when the model is loaded"),
};

const ORT_WEB: Forms = {
  ...ORT,
  "matmul-blocks": yes("for the size of the file: WebAssembly has no fast kernel for it"),
};

const WEBGPU: Forms = {
  ...ORT,
  "dynamic-int8": no("the WebGPU of onnxruntime-web computes wrong numbers with it, without an error"),
  "matmul-blocks": yes("WebGPU has kernels for it, without zero points"),
  "matmul-nf4": no("WebGPU has no kernel for it: its products would run on the processor"),
  float16: yes("half the bytes, and kernels of their own"),
};

/** Bolt reads ONNX models of its own quantizer's precisions only. */
const STORED = "Bolt reads no such operator: write a .bolt file with post_training_quantization";

const BOLT: Forms = {
  "dynamic-int8": no(STORED),
  "matmul-blocks": no(STORED),
  "matmul-nf4": no(STORED),
  "gather-blocks": no(STORED),
  "gather-rows": no(STORED),
  float16: no(STORED),
  cast: no(STORED),
};

const TARGETS: Readonly<Record<RuntimeTarget, Forms>> = {
  ort: ORT,
  "ort-web": ORT_WEB,
  webgpu: WEBGPU,
  // Its dtypes q8 and int8 run in WebAssembly, q4 and q4f16 on WebGPU as well.
  "transformers.js": ORT_WEB,
  bolt: BOLT,
};

/** All targets. */
export const TARGET_NAMES = Object.keys(TARGETS) as readonly RuntimeTarget[];

/** Targets whose kernels take blocks without zero points only. */
export const SYMMETRIC_ONLY: ReadonlySet<RuntimeTarget> = new Set<RuntimeTarget>(["webgpu", "transformers.js"]);

/** Whether a form is right and of use on a target. */
export function suitability(form: WeightForm, target: RuntimeTarget): Suitability {
  return TARGETS[target][form];
}
