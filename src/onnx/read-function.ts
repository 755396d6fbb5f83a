import { Graph } from "../graph/graph.ts";
import { memoryBytes } from "../io/bytes.ts";
import { WireMessage } from "../io/protobuf.ts";
import type { OnnxAttribute, OnnxGraph, OnnxNodeData } from "./model.ts";
import { readAttributes, readNode, readOpsets, Scope } from "./read.ts";
import type { TensorContext } from "./read-tensor.ts";
import { FUNCTION, NODE } from "./schema.ts";

/** What a model-local function computes, read anew so that it may be put in the place of a call. */
export interface OnnxFunctionBody {
  readonly graph: OnnxGraph;
  /** Values of attributes that a call may leave out. */
  readonly defaults: ReadonlyMap<string, OnnxAttribute>;
  /** Opset of ai.onnx that its operators are of; undefined where none is stated. */
  readonly opset: number | undefined;
}

/** Reads the body of a function. Throws BoltqError as `readOnnx` does. */
export async function readFunctionBody(bytes: Uint8Array): Promise<OnnxFunctionBody> {
  const message = await WireMessage.read(memoryBytes(bytes));
  const context: TensorContext = { externalData: undefined };
  const scope = new Scope(undefined);
  const graph = new Graph<OnnxNodeData>(await message.text(FUNCTION.name));
  graph.inputs = (await message.texts(FUNCTION.input)).map((name) => scope.own(name));
  const nodes = await Promise.all(message.all(FUNCTION.node).map(({ data }) => WireMessage.read(data)));
  for (const node of nodes) for (const name of await node.texts(NODE.output)) if (name !== "") scope.own(name);
  for (const node of nodes) await readNode(node, graph, scope, context, 0);
  graph.outputs = (await message.texts(FUNCTION.output)).map((name) => scope.resolve(name));
  const opsets = await readOpsets(message, FUNCTION.opsetImport);
  return {
    graph: { graph, initializers: [], valueInfos: new Map(), documentation: "", unknownFields: new Uint8Array(0) },
    defaults: await readAttributes(message, FUNCTION.attributeDefault, scope, context, 0),
    opset: opsets.get(""),
  };
}
