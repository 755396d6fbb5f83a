import type { Source } from "../../io/bytes.ts";
import { BoltqError, placed } from "../../io/error.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import type { ModelFormat, ReadModelOptions } from "../model-format.ts";

/**
 * TensorFlow: a frozen graph (GraphDef, .pb), or the JSON that protobuf or Bolt's `tf2json.py` makes of one. A SavedModel
 * is known too, to say that it must be frozen.
 */
export const TENSORFLOW_FORMAT: ModelFormat = {
  name: "TensorFlow",
  suffixes: [".pb", ".json"],
  match: (head) => isGraphDef(head) || isJson(head) || isSavedModel(head),
  read: (source, options) => placed({ file: source.name }, () => read(source, options)),
};

async function read(source: Source, options: ReadModelOptions): Promise<OnnxModel> {
  const head = await source.read(0, Math.min(source.length, 512));
  if (isSavedModel(head)) {
    throw new BoltqError("unsupported", "this is a SavedModel, whose weights are in other files", {
      remedy: "Freeze it: convert_variables_to_constants_v2, then write graph.as_graph_def() as .pb",
    });
  }
  const [{ readGraphDef }, { readJsonGraph }, { tensorflowToOnnx }] = await Promise.all([
    import("./read-graph-def.ts"),
    import("./read-json.ts"),
    import("./to-onnx.ts"),
  ]);
  const graph = isJson(head) ? await readJsonGraph(source) : await readGraphDef(source);
  return tensorflowToOnnx(graph, options.inputShapes);
}

/** The first field is an operator, whose first fields are its name and type: two texts. */
function isGraphDef(head: Uint8Array): boolean {
  const name = head[0] === 0x0a ? behindLength(head, 1) : 0;
  if (name === 0 || head[name] !== 0x0a) return false;
  const length = head[name + 1]!;
  if (length > 0x7f) return true;
  const type = name + 2 + length;
  return head.length <= type || (head[type] === 0x12 && /^[A-Za-z_]/.test(String.fromCharCode(head[type + 2]!)));
}

/** Where what a length stands before begins; 0 where there is none. */
function behindLength(head: Uint8Array, at: number): number {
  const last = head.findIndex((byte, index) => index >= at && byte < 0x80);
  return last < 0 || last > at + 5 ? 0 : last + 1;
}

/** An object with the fields of a GraphDef, in a JSON string or not. */
function isJson(head: Uint8Array): boolean {
  return /^\ufeff?\s*"?\s*\{\s*\\?"(node|library|versions)\\?"/.test(new TextDecoder().decode(head));
}

/** Version 1, and graphs that are longer than a producer's name. */
function isSavedModel(head: Uint8Array): boolean {
  return head[0] === 0x08 && head[1] === 0x01 && head[2] === 0x12 && head[3]! >= 0x80 && head[4]! >= 0x80;
}
