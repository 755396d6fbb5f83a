import type { DenseTensor } from "../../graph/tensor.ts";
import type { ErrorCode, ErrorDetails } from "../../io/error.ts";
import type { Signature } from "../../onnx/model.ts";
import type { ModelPath, SessionOptions } from "../runtime.ts";

/** What goes to a worker: a question, or word that it is to end. */
export type ToWorker<Request> = { readonly id: number; readonly request: Request } | "close";

/** What comes from a worker: the answer to the question of the same `id`; 0, without a question, once it is ready. */
export type FromWorker<Answer> =
  | { readonly id: number; readonly answer: Answer }
  | { readonly id: number; readonly failure: Failure };

/** A BoltqError on its way to another thread. */
export interface Failure {
  readonly code: ErrorCode;
  readonly problem: string;
  readonly details: ErrorDetails;
}

/** What a session's worker is started with. */
export interface SessionStart {
  readonly model: Uint8Array | ModelPath;
  readonly options: SessionOptions;
  /** Memory of the worker's RunGate. */
  readonly gate: SharedArrayBuffer;
}

/** What a session's worker is asked. */
export type SessionRequest =
  | {
      readonly kind: "run";
      readonly feeds: Map<string, DenseTensor>;
      readonly fetches?: readonly string[] | undefined;
    }
  | { readonly kind: "time"; readonly feeds: Map<string, DenseTensor>; readonly count: number };

/** What it answers. */
export type SessionAnswer =
  | { readonly kind: "ready"; readonly inputs: readonly Signature[]; readonly outputs: readonly Signature[] }
  | { readonly kind: "ran"; readonly outputs: Map<string, DenseTensor> }
  | { readonly kind: "timed"; readonly times: number[] };

/** Buffers to hand over instead of copying; tensors may share one. */
export function buffersOf(tensors: Iterable<DenseTensor>): ArrayBuffer[] {
  return [...new Set([...tensors].map(({ data }) => data.buffer as ArrayBuffer))];
}
