import { raiseToOnnx } from "../convert/bolt-to-onnx/index.ts";
import type { Model } from "../convert/model-file.ts";
import { memoryTarget } from "../io/target.ts";
import type { OnnxModel, OnnxValue } from "../onnx/model.ts";
import { writeOnnx } from "../onnx/write.ts";
import { loadRuntime } from "../runtime/load.ts";
import type { Runtime, Session, SessionOptions } from "../runtime/runtime.ts";

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
  return runtime.createSession(await bytesWithOutputs(onnx, layers), { ...sessionOptions, takeModel: true });
}

function onnxLayers({ main }: OnnxModel): readonly OnnxValue[] {
  return main.graph.nodes.filter(({ type }) => type !== "Constant").flatMap((node) => node.outputs);
}

/** The model as a file, with more outputs. The graph's own list is put back before this returns. */
async function bytesWithOutputs(model: OnnxModel, names: readonly string[]): Promise<Uint8Array> {
  const { graph } = model.main;
  const original = graph.outputs;
  const known = new Set(original.map(({ name }) => name));
  const wanted = new Set(names.filter((name) => !known.has(name)));
  const target = memoryTarget(graph.name);
  try {
    graph.outputs = [...original, ...onnxLayers(model).filter(({ name }) => wanted.has(name))];
    await writeOnnx(model, target);
  } finally {
    graph.outputs = original;
  }
  return target.result();
}
