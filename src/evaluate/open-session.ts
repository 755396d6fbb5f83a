import { raiseToOnnx } from "../convert/bolt-to-onnx/index.ts";
import type { Model } from "../convert/model-file.ts";
import type { OnnxModel, OnnxValue } from "../onnx/model.ts";
import { handModel } from "../runtime/hand-model.ts";
import { loadRuntime } from "../runtime/load.ts";
import type { HandedModel, Runtime, Session, SessionOptions } from "../runtime/runtime.ts";

export interface OpenOptions extends SessionOptions {
  /** Default: the one that is installed. */
  readonly runtime?: Runtime | undefined;
  /** Names of inner values that the session gives as outputs too, see `layerPairs`; unknown ones are left out. */
  readonly layers?: readonly string[] | undefined;
}

/**
 * Makes a model of either dialect ready to run; a Bolt model is raised to ONNX first. Throws BoltqError `unsupported`
 * for operators that cannot be run, `runtime` or `runtime-missing` when ONNX Runtime does not take the model.
 */
export async function openSession(model: Model, options: OpenOptions = {}): Promise<Session> {
  const { runtime = await loadRuntime(), layers = [], ...sessionOptions } = options;
  const onnx = model.format === "bolt" ? await raiseToOnnx(model, { layers: layers.length > 0 }) : model;
  const { model: handed, release } = await handWithOutputs(onnx, layers, runtime);
  try {
    return releasing(await runtime.createSession(handed, { ...sessionOptions, takeModel: true }), release);
  } catch (error) {
    release();
    throw error;
  }
}

function onnxLayers({ main }: OnnxModel): readonly OnnxValue[] {
  return main.graph.nodes.filter(({ type }) => type !== "Constant").flatMap((node) => node.outputs);
}

/** A session that calls `release` when it is closed. */
function releasing(session: Session, release: () => void): Session {
  const { inputs, outputs } = session;
  return {
    inputs,
    outputs,
    run: (feeds, fetches) => session.run(feeds, fetches),
    time: (feeds, count) => session.time(feeds, count),
    close: () => session.close().finally(release),
  };
}

/** The model for a session, with more outputs. The graph's own list is put back before this returns. */
async function handWithOutputs(model: OnnxModel, names: readonly string[], runtime: Runtime): Promise<HandedModel> {
  const { graph } = model.main;
  const original = graph.outputs;
  const known = new Set(original.map(({ name }) => name));
  const wanted = new Set(names.filter((name) => !known.has(name)));
  try {
    graph.outputs = [...original, ...onnxLayers(model).filter(({ name }) => wanted.has(name))];
    return await handModel(model, runtime);
  } finally {
    graph.outputs = original;
  }
}
