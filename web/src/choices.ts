import { RECIPES } from "../../src/quantize/recipe.ts";
import type { BoltSettings, OnnxSettings, Target } from "./job/job.ts";

/** One of several that can be chosen, and what it is. */
export interface Choice<Word extends string> {
  readonly word: Word;
  readonly label: string;
}

export const TARGETS: readonly Choice<Target>[] = [
  { word: "ort", label: "ONNX Runtime (Node.js, servers, phones)" },
  { word: "ort-web", label: "ONNX Runtime Web (WebAssembly)" },
  { word: "webgpu", label: "ONNX Runtime Web (WebGPU)" },
  { word: "bolt", label: "Bolt" },
];

export const RECIPE_CHOICES: readonly Choice<string>[] = Object.entries(RECIPES).map(
  ([word, { description = "" }]) => ({ word, label: `${word}: ${description}` }),
);

export const EFFORTS: readonly Choice<OnnxSettings["effort"]>[] = [
  { word: "default", label: "default: fit weights and biases to the examples" },
  { word: "fast", label: "fast: one pass over the examples" },
  { word: "max", label: "max: fit several times, keep the best" },
];

export const INFERENCES: readonly Choice<BoltSettings["inference"]>[] = [
  { word: "INT8_FP16", label: "INT8_FP16: int8, the rest float16 (Armv8.2)" },
  { word: "INT8_FP32", label: "INT8_FP32: int8, the rest float32" },
  { word: "INT8", label: "INT8: as Bolt 1.5 has it" },
  { word: "FP16", label: "FP16: float16 (Armv8.2)" },
  { word: "FP32", label: "FP32: float32" },
];

export const STORAGES: readonly Choice<NonNullable<BoltSettings["storage"]> | "">[] = [
  { word: "", label: "as it computes" },
  { word: "NOQUANT", label: "NOQUANT: not quantized" },
  { word: "MIX", label: "MIX: int8, those of float operators not" },
  { word: "INT8", label: "INT8" },
  { word: "INT4", label: "INT4" },
  { word: "FP16", label: "FP16" },
  { word: "FP32", label: "FP32" },
];

export const DEFAULT_ONNX: OnnxSettings = { recipe: "int8", effort: "default" };
export const DEFAULT_BOLT: BoltSettings = { inference: "INT8_FP16", storage: undefined, static: false, best: false };
