import type { ErrorCode, ErrorDetails } from "../error.ts";

/** What goes to a worker: what it is started with, a question, or word that it is to end. */
export type ToWorker<Start, Request> =
  | { readonly id: 0; readonly start: Start }
  | { readonly id: number; readonly request: Request }
  | "close";

/** What comes from a worker: the answer to the question of the same `id`; that of `id` 0 says that it is ready. */
export type FromWorker<Answer> =
  | { readonly id: number; readonly answer: Answer }
  | { readonly id: number; readonly failure: Failure };

/** A BoltqError on its way to another thread. */
export interface Failure {
  readonly code: ErrorCode;
  readonly problem: string;
  readonly details: ErrorDetails;
}
