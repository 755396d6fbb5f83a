import type { OnnxGraph, OnnxNode, OnnxValue } from "../../onnx/model.ts";
import { nodeData } from "../../onnx/node-data.ts";
import { subgraphsOf } from "../../onnx/subgraphs.ts";

/** Puts what a graph computes in the place of an operator. Its values get the operator's name before their own. */
export function splice(main: OnnxGraph, node: OnnxNode, { graph: body, initializers }: OnnxGraph): void {
  const prefix = node.name || (node.outputs[0]?.name ?? "");
  const rename = (value: OnnxValue) => {
    if (value.name !== "") value.name = `${prefix}/${value.name}`;
  };
  for (const value of initializers) rename(value);
  main.initializers.push(...initializers);
  for (const inner of body.nodes) {
    const { name, type, inputs, outputs, data } = inner;
    body.remove(inner);
    for (const output of outputs) rename(output);
    main.graph.insertBefore(node, { name: `${prefix}/${name || outputs[0]?.name}`, type, inputs, outputs, data });
  }
  const { outputs } = node;
  node.setOutputs([]);
  outputs.forEach((output, index) => {
    const result = body.outputs[index];
    if (result === undefined) return;
    const init = { name: `${prefix}/${output.name}`, type: "Identity", inputs: [result], outputs: [output] };
    main.graph.insertBefore(node, { ...init, data: nodeData() });
  });
  main.graph.remove(node);
}

/** Takes out all operators of a graph that is not to be run, so that they read nothing any more. */
export function discard({ graph }: OnnxGraph): void {
  for (const node of graph.nodes) {
    for (const inner of subgraphsOf(node)) discard(inner);
    graph.remove(node);
  }
}
