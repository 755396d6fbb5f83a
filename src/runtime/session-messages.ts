import type { DenseTensor } from "../graph/tensor.ts";
import type { Signature } from "../onnx/model.ts";
import type { ModelPath, SessionOptions } from "./runtime.ts";

/** What a session's worker is started with. */
export interface SessionStart {
  readonly model: Uint8Array | ModelPath;
  readonly options: SessionOptions;
}

/** What says that the session is open. */
export interface SessionReady {
  readonly inputs: readonly Signature[];
  readonly outputs: readonly Signature[];
}

/** What a session's worker is asked. */
export type SessionRequest =
  | {
      readonly kind: "run";
      readonly feeds: Map<string, DenseTensor>;
      readonly fetches?: readonly string[] | undefined;
    }
  | { readonly kind: "time"; readonly feeds: Map<string, DenseTensor>; readonly count: number };

/** What it answers: the outputs of a run, or times in milliseconds. */
export type SessionAnswer = Map<string, DenseTensor> | number[];

/** Buffers to hand over instead of copying; tensors may share one. */
export function buffersOf(tensors: Iterable<DenseTensor>): ArrayBuffer[] {
  return [...new Set([...tensors].map(({ data }) => data.buffer as ArrayBuffer))];
}
