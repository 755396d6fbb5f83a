import type { Source } from "../../io/bytes.ts";
import { BoltqError, placed } from "../../io/error.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import type { ReadModelOptions } from "../model-format.ts";
import { isJson, isSavedModel } from "./heads.ts";
import { readGraphDef } from "./read-graph-def.ts";
import { readJsonGraph } from "./read-json.ts";
import { tensorflowToOnnx } from "./to-onnx.ts";

/** The graph of a file as an ONNX model. Throws BoltqError naming the file. */
export async function readTensorflow(source: Source, { inputShapes }: ReadModelOptions): Promise<OnnxModel> {
  return placed({ file: source.name }, async () => {
    const head = await source.read(0, Math.min(source.length, 512));
    if (isSavedModel(head)) {
      throw new BoltqError("unsupported", "this is a SavedModel, whose weights are in other files", {
        remedy: "Freeze it: convert_variables_to_constants_v2, then write graph.as_graph_def() as .pb",
      });
    }
    const graph = isJson(head) ? await readJsonGraph(source) : await readGraphDef(source);
    return tensorflowToOnnx(graph, inputShapes);
  });
}
