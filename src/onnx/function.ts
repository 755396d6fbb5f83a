import { joinedBytes } from "../io/bytes.ts";
import { WireWriter } from "../io/protobuf.ts";
import type { OnnxFunction, OnnxGraph } from "./model.ts";
import { nodeData } from "./node-data.ts";
import { FUNCTION, OPSET } from "./schema.ts";
import { nodeMessage } from "./write.ts";

/**
 * A model-local function of what a graph computes: its inputs and outputs are the function's. Constants, of which a
 * function has none, become Constant operators; their data must be in memory.
 */
export async function functionOf(
  { graph, initializers }: OnnxGraph,
  { domain, name, opset }: { readonly domain: string; readonly name: string; readonly opset: number },
): Promise<OnnxFunction> {
  const writer = new WireWriter();
  writer.text(FUNCTION.name, name);
  for (const input of graph.inputs) writer.text(FUNCTION.input, input.name);
  for (const output of graph.outputs) writer.text(FUNCTION.output, output.name);
  const first = graph.nodes[0]!;
  for (const value of initializers) {
    const data = nodeData();
    data.attributes.set("value", { kind: "tensor", value: value.constant! });
    value.constant = undefined;
    graph.insertBefore(first, { name: value.name, type: "Constant", inputs: [], outputs: [value], data });
  }
  for (const node of graph.nodes) writer.message(FUNCTION.node, nodeMessage(node, undefined));
  const imported = new WireWriter();
  imported.integer(OPSET.version, opset);
  writer.message(FUNCTION.opsetImport, imported);
  writer.text(FUNCTION.domain, domain);
  return { domain, name, bytes: await joinedBytes(writer.parts()).read() };
}
