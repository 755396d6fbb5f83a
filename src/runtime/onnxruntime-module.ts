/** A tensor of ONNX Runtime: `data` is the typed array for `type`. */
export interface OrtTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
}

/** What ONNX Runtime says of an input or output. */
export type OrtValueMetadata =
  | { readonly name: string; readonly isTensor: false }
  | {
      readonly name: string;
      readonly isTensor: true;
      readonly type: string;
      readonly shape: readonly (number | string)[];
    };

/** A model that ONNX Runtime has open. */
export interface OrtSession {
  readonly inputMetadata: readonly OrtValueMetadata[];
  readonly outputMetadata: readonly OrtValueMetadata[];
  /** Runs the model once; without `fetches` it gives all outputs. */
  run(
    feeds: Readonly<Record<string, OrtTensor>>,
    fetches?: Readonly<Record<string, OrtTensor | null>>,
  ): Promise<Record<string, OrtTensor>>;
  /** Frees what the model holds. */
  release(): Promise<void>;
}

/** The part of onnxruntime-node and onnxruntime-web that is used: the two agree on it. */
export interface OnnxRuntimeModule {
  readonly InferenceSession: {
    /** Opens a model: a path (in Node), or the bytes of its file. */
    create(model: string | Uint8Array, options: Readonly<Record<string, unknown>>): Promise<OrtSession>;
  };
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => OrtTensor;
  readonly env: { logLevel?: string | undefined; readonly versions: { readonly common: string } };
}
