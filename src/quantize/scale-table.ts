import { BoltqError } from "../io/error.ts";

/** Clip values of one layer's tensors, by tensor name. */
export interface LayerClips {
  readonly inputs: ReadonlyMap<string, number>;
  readonly weights: ReadonlyMap<string, number>;
  readonly outputs: ReadonlyMap<string, number>;
  /** Least and largest number of inputs and outputs, where they are no mirror images; for ONNX. */
  readonly ranges?: ReadonlyMap<string, readonly [low: number, high: number]>;
}

/** A scale table (`-s`): clip values by layer, or which layers to quantize dynamically. */
export type ScaleTable =
  | {
      readonly kind: "static";
      readonly layers: ReadonlyMap<string, LayerClips>;
      /** It tells of all that was quantized while the model was trained: what it does not name stays float. */
      readonly trained?: boolean;
    }
  | { readonly kind: "dynamic"; readonly choice: DynamicChoice };

/** Operators to quantize dynamically, and to leave in float, by name. */
export interface DynamicChoice {
  readonly quantized: ReadonlySet<string>;
  readonly float: ReadonlySet<string>;
}

const PARTS = ["inputs", "weights", "outputs"] as const;

/** What to do about a scale table that is wrong. */
export const SCALE_TABLE_REMEDY = "See docs/calibration.md for the format";

/** What is wrong with the table in `file`. */
export function tableError(file: string, problem: string): BoltqError {
  return new BoltqError("format", problem, { file, remedy: SCALE_TABLE_REMEDY });
}

/** The JSON of a table of clip values; layers and tensors in their order. `trained` as `ScaleTable` has it. */
export function printScaleTable(layers: ReadonlyMap<string, LayerClips>, { trained = false } = {}): string {
  const named = [...layers].map(([layer, clips]) => [
    layer,
    Object.fromEntries(
      [...PARTS, "ranges" as const].flatMap((part) =>
        clips[part] !== undefined && clips[part].size > 0 ? [[part, Object.fromEntries<unknown>(clips[part])]] : [],
      ),
    ),
  ]);
  return `${JSON.stringify({ quantization: trained ? "trained" : "static", ...Object.fromEntries(named) }, null, 2)}\n`;
}
