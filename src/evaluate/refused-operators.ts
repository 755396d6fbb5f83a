import { Graph, Value } from "../graph/graph.ts";
import { BoltqError } from "../io/error.ts";
import type { OnnxModel, OnnxNode, OnnxNodeData, OnnxValue } from "../onnx/model.ts";
import { inferShapes } from "../onnx/shape-inference.ts";
import { subgraphsOf } from "../onnx/subgraphs.ts";
import { encodeOnnx } from "../onnx/write.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** Constants of more bytes are given as inputs: what an operator computes does not matter here. */
const MOST_CONSTANT_BYTES = 1 << 16;

/**
 * The operators of a model that a runtime does not take, each asked for alone, as it names but the first one of a whole
 * model; of operators of one kind and the same types one is asked for. What has subgraphs, or reads values of unknown
 * types, is passed over.
 */
export async function refusedOperators(model: OnnxModel, runtime: Runtime): Promise<BoltqError[]> {
  await inferShapes(model);
  const known = new Set<string>();
  const refused: BoltqError[] = [];
  for (const node of model.main.graph.nodes) {
    const key = keyOf(node);
    if (known.has(key) || subgraphsOf(node).length > 0 || !node.inputs.every(hasType)) continue;
    known.add(key);
    try {
      const session = await runtime.createSession(await encodeOnnx(alone(model, node)), { optimization: "none" });
      await session.close();
    } catch (error) {
      if (!(error instanceof BoltqError)) throw error;
      refused.push(error.within({ subject: `operator "${node.name}" (${node.type})` }));
    }
  }
  return refused;
}

function hasType(value: OnnxValue | undefined): boolean {
  return value === undefined || value.constant !== undefined || value.type !== undefined;
}

/** What decides whether an operator is taken. */
function keyOf({ type, inputs, data }: OnnxNode): string {
  const types = inputs.map((input) => (input?.constant ?? input?.type)?.type ?? "");
  const attributes = [...data.attributes].map(([name, attribute]) =>
    attribute.kind === "string" ? `${name}=${new TextDecoder().decode(attribute.value)}` : name,
  );
  return JSON.stringify([data.domain, type, types, attributes]);
}

/** A model of that operator; what it reads are inputs, but for small constants. */
function alone(model: OnnxModel, node: OnnxNode): OnnxModel {
  const graph = new Graph<OnnxNodeData>("alone");
  const initializers: OnnxValue[] = [];
  const copies = new Map<OnnxValue, OnnxValue>();
  const copyOf = (value: OnnxValue): OnnxValue => {
    const constant = (value.constant?.data.length ?? Infinity) <= MOST_CONSTANT_BYTES ? value.constant : undefined;
    const type = value.constant === undefined ? value.type : { type: value.constant.type, shape: value.constant.shape };
    const copy: OnnxValue = new Value(value.name, { type, constant });
    (constant === undefined ? graph.inputs : initializers).push(copy);
    copies.set(value, copy);
    return copy;
  };
  graph.append({
    name: node.name,
    type: node.type,
    inputs: node.inputs.map((input) => input && (copies.get(input) ?? copyOf(input))),
    outputs: node.outputs.map(({ name, type }) => new Value<OnnxNodeData>(name, { type })),
    data: node.data,
  });
  graph.outputs = graph.nodes[0]!.outputs.filter(({ name }) => name !== "");
  const main = { graph, initializers, valueInfos: new Map(), documentation: "", unknownFields: new Uint8Array(0) };
  return { ...model, main };
}
