import type { ElementType } from "../graph/tensor.ts";
import type { Signature } from "../onnx/model.ts";
import { checkFeeds } from "./feeds.ts";
import type { OnnxRuntimeModule, OrtSession, OrtTensor, OrtValueMetadata } from "./onnxruntime-module.ts";
import { fromOrtTensor, toOrtTensor } from "./ort-tensor.ts";
import type { ModelPath, NamedTensors, Session, SessionOptions } from "./runtime.ts";
import { runtimeError } from "./runtime-error.ts";

const LEVELS = { none: "disabled", basic: "basic", extended: "extended", all: "all" } as const;

/** Fatal errors only: ONNX Runtime writes to stderr past everything, and what fails is thrown as well. */
const LOG_SEVERITY = 4;

/** Opens a model in the caller's thread. `ort` is the loaded module. */
export async function createDirectSession(
  ort: OnnxRuntimeModule,
  model: Uint8Array | ModelPath,
  options: SessionOptions = {},
): Promise<Session> {
  ort.env.logLevel = "fatal";
  const name = options.name ?? ("path" in model ? model.path : "(memory)");
  const session = await guarded(name, () =>
    ort.InferenceSession.create("path" in model ? model.path : model, ortOptions(options)),
  );
  return new DirectSession(ort, session, name);
}

function ortOptions(options: SessionOptions): Record<string, unknown> {
  return {
    intraOpNumThreads: options.threads ?? 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: LEVELS[options.optimization ?? "all"],
    logSeverityLevel: LOG_SEVERITY,
    enableMemPattern: options.planMemory ?? true,
    ...(options.dimensions === undefined ? {} : { freeDimensionOverrides: options.dimensions }),
    ...(options.settings === undefined ? {} : { extra: options.settings }),
  };
}

class DirectSession implements Session {
  readonly inputs: readonly Signature[];
  readonly outputs: readonly Signature[];
  readonly #ort: OnnxRuntimeModule;
  readonly #name: string;
  #session: OrtSession | undefined;

  constructor(ort: OnnxRuntimeModule, session: OrtSession, name: string) {
    this.#ort = ort;
    this.#session = session;
    this.#name = name;
    this.inputs = session.inputMetadata.map(signatureOf);
    this.outputs = session.outputMetadata.map(signatureOf);
  }

  async run(feeds: NamedTensors, fetches?: readonly string[]): ReturnType<Session["run"]> {
    const ortFeeds = this.#ortFeeds(feeds);
    const names = fetches ?? this.outputs.map(({ name }) => name);
    const ortFetches = Object.fromEntries(names.map((name) => [name, null]));
    const results = await guarded(this.#name, () => this.#open().run(ortFeeds, ortFetches));
    return new Map(names.map((name) => [name, fromOrtTensor(results[name]!, name)]));
  }

  async time(feeds: NamedTensors, count: number): Promise<number[]> {
    const ortFeeds = this.#ortFeeds(feeds);
    const times: number[] = [];
    for (let index = 0; index < count; index++) {
      const start = performance.now();
      await guarded(this.#name, () => this.#open().run(ortFeeds));
      times.push(performance.now() - start);
    }
    return times;
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.release();
  }

  #ortFeeds(feeds: NamedTensors): Record<string, OrtTensor> {
    checkFeeds(feeds, this.inputs, this.#name);
    return Object.fromEntries([...feeds].map(([name, tensor]) => [name, toOrtTensor(this.#ort, tensor, name)]));
  }

  #open(): OrtSession {
    if (this.#session === undefined) throw new Error("the session is closed");
    return this.#session;
  }
}

/** What stands for a size that the model leaves open without a name; onnxruntime-web reads its -1 as an unsigned number. */
const UNKNOWN_SIZES: ReadonlySet<string | number> = new Set(["", -1, 2 ** 32 - 1]);

function signatureOf(metadata: OrtValueMetadata): Signature {
  if (!metadata.isTensor) return { name: metadata.name, type: undefined };
  const shape = metadata.shape.map((size) => (UNKNOWN_SIZES.has(size) ? undefined : size));
  return { name: metadata.name, type: { type: metadata.type as ElementType, shape } };
}

async function guarded<Result>(model: string, action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    throw runtimeError(error, model);
  }
}
