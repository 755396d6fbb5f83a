import type { DenseTensor } from "../../graph/tensor.ts";
import type { ErrorCode, ErrorDetails } from "../../io/error.ts";
import type { Signature } from "../../onnx/model.ts";
import type { ModelPath, SessionOptions } from "../runtime.ts";

/** What a session's worker is started with. */
export interface WorkerStart {
  readonly model: Uint8Array | ModelPath;
  readonly options: SessionOptions;
  /** Memory of the session's RunGate. */
  readonly gate: SharedArrayBuffer;
}

/** What the main thread asks; answers bear the same `id`. */
export type Request =
  | {
      readonly id: number;
      readonly kind: "run";
      readonly feeds: Map<string, DenseTensor>;
      readonly fetches?: readonly string[] | undefined;
      readonly reuse?: Map<string, DenseTensor> | undefined;
    }
  | { readonly id: number; readonly kind: "time"; readonly feeds: Map<string, DenseTensor>; readonly count: number }
  /** The last message: the worker frees the model and ends. No answer. */
  | { readonly id: number; readonly kind: "close" };

/** What the worker answers. The first answer, without a request, has `id` 0. */
export type Answer =
  | {
      readonly id: number;
      readonly kind: "ready";
      readonly inputs: readonly Signature[];
      readonly outputs: readonly Signature[];
    }
  | { readonly id: number; readonly kind: "ran"; readonly outputs: Map<string, DenseTensor> }
  | { readonly id: number; readonly kind: "timed"; readonly times: number[] }
  | {
      readonly id: number;
      readonly kind: "failed";
      readonly code: ErrorCode;
      readonly problem: string;
      readonly details: ErrorDetails;
    };

/** Buffers to hand over instead of copying; tensors may share one. */
export function buffersOf(tensors: Iterable<DenseTensor>): ArrayBuffer[] {
  return [...new Set([...tensors].map(({ data }) => data.buffer as ArrayBuffer))];
}
