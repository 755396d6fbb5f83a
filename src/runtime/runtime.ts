import type { DenseTensor } from "../graph/tensor.ts";
import type { Signature } from "../onnx/model.ts";

/** How much the runtime may rewrite the graph: `extended` fuses operators, `all` also changes memory layouts. */
export type Optimization = "none" | "basic" | "extended" | "all";

/** How ONNX Runtime runs a model. */
export interface SessionOptions {
  /** For messages: what the user calls the model. */
  readonly name?: string | undefined;
  /** Threads inside one operator; default 1. */
  readonly threads?: number | undefined;
  /** Default `all`. */
  readonly optimization?: Optimization | undefined;
  /** Sizes for symbolic dimensions of the model's inputs, by their names. */
  readonly dimensions?: Readonly<Record<string, number>> | undefined;
  /**
   * `worker` (default in Node): runs do not block the event loop. `direct`: runs in the caller's thread, blocking it,
   * without the hand-over of inputs.
   */
  readonly placement?: "worker" | "direct" | undefined;
  /** The model's bytes may be handed over instead of copied: they are gone for the caller afterwards. Default false. */
  readonly takeModel?: boolean | undefined;
  /** Place all values of a run in one block, of the sizes seen in the run before. Default true; false takes less memory. */
  readonly planMemory?: boolean | undefined;
  /** Session settings by ONNX Runtime's own keys, such as `session.disable_quant_qdq`. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

/** Inputs or outputs of a run by name. */
export type NamedTensors = ReadonlyMap<string, DenseTensor>;

/** A model ready to run. */
export interface Session {
  readonly inputs: readonly Signature[];
  readonly outputs: readonly Signature[];
  /**
   * Runs the model once; `fetches` names the outputs wanted (default: all). The tensors given are not changed; those
   * returned belong to the caller. Rejects with BoltqError `invalid-data` for feeds that do not fit, `runtime` when
   * the run fails.
   */
  run(feeds: NamedTensors, fetches?: readonly string[]): Promise<Map<string, DenseTensor>>;
  /** Milliseconds that each of `count` runs on the same feeds took, measured beside the runtime. */
  time(feeds: NamedTensors, count: number): Promise<number[]>;
  /** Frees the model; runs under way reject with BoltqError `cancelled`. Safe to call twice. */
  close(): Promise<void>;
}

/** A model file on disk; Node only. Its external data is read by the runtime. */
export interface ModelPath {
  readonly path: string;
}

/** A model as sessions take it. */
export interface HandedModel {
  readonly model: Uint8Array | ModelPath;
  /** How many bytes it has, weights included. */
  readonly length: number;
  /** Removes what was made for it. Its sessions must be closed. Safe to call twice. */
  release(): void;
}

/** Something that runs ONNX models. */
export interface Runtime {
  /** Name and version, for reports. */
  readonly name: string;
  /** Where sessions run: each in a thread of Node's, each in a browser's worker, or all in the thread that calls. */
  readonly placement: "node-worker" | "web-worker" | "direct";
  /** Rejects with BoltqError `runtime` when the runtime does not take the model. */
  createSession(model: Uint8Array | ModelPath, options?: SessionOptions): Promise<Session>;
}
