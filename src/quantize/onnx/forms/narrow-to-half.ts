import type { OnnxGraph, OnnxModel, OnnxNode, OnnxValue } from "../../../onnx/model.ts";
import { subgraphsOf } from "../../../onnx/subgraphs.ts";
import { halfTensor } from "./cast.ts";
import type { FormEditor } from "./form-editor.ts";
import { floatInputs, halfOutputs } from "./half-operators.ts";

/** Numbers that ONNX gives the types in attributes. */
const FLOAT32 = 1;
const FLOAT16 = 10;

/** The half twins of values that a graph and those around it can read. */
interface Scope {
  readonly graph: OnnxGraph;
  readonly halves: Map<OnnxValue, OnnxValue>;
  readonly outer: Scope | undefined;
}

/**
 * Lets the operators that `isHalf` names compute in half floats, with a Cast wherever their numbers meet float32 ones: inputs and
 * outputs of all graphs keep their types. Constants are converted when the model is written.
 */
export function narrowToHalf(editor: FormEditor, model: OnnxModel, isHalf: (node: OnnxNode) => boolean): void {
  const narrowGraph = (graph: OnnxGraph, outer: Scope | undefined): void => {
    const scope: Scope = { graph, halves: new Map(), outer };
    const made: [OnnxNode, OnnxValue, OnnxValue][] = [];
    for (const node of [...graph.graph.nodes]) {
      for (const inner of subgraphsOf(node)) narrowGraph(inner, scope);
      if (!isHalf(node)) continue;
      // In subgraphs ONNX Runtime's processor kernel for half floats computes wrong numbers when it may round to int8.
      if (outer !== undefined && node.type === "MatMulNBits") node.data.attributes.delete("accuracy_level");
      const floats = new Set(floatInputs(node));
      node.inputs.forEach((input, index) => {
        if (input !== undefined && floats.has(input)) node.setInput(index, halfOf(editor, scope, input, node));
      });
      for (const output of halfOutputs(node)) made.push([node, output, giveHalf(editor, scope, node, output)]);
    }
    const read = new Set([...graph.graph.outputs, ...innerOutputs(graph)]);
    for (const [node, wide, half] of made) {
      if (wide.used || read.has(wide)) editor.cast(graph, { after: node }, half, wide, FLOAT32);
    }
  };
  narrowGraph(model.main, undefined);
}

/** The half twin of what a half operator reads: there already, a constant, or a Cast before its first reader. */
function halfOf(editor: FormEditor, scope: Scope, value: OnnxValue, reader: OnnxNode): OnnxValue {
  for (let each: Scope | undefined = scope; each !== undefined; each = each.outer) {
    const known = each.halves.get(value);
    if (known !== undefined) return known;
  }
  if (value.constant !== undefined) {
    return editor.constants(value, "half", () => ({ float16: halfTensor(value.constant!, value.name) }))[0]!;
  }
  const half = editor.twin(value, "float16");
  editor.cast(scope.graph, { before: reader }, value, half, FLOAT16);
  scope.halves.set(value, half);
  return half;
}

/** Lets a half operator give a twin instead of its output. */
function giveHalf(editor: FormEditor, { halves }: Scope, node: OnnxNode, output: OnnxValue): OnnxValue {
  const half = editor.twin(output, "float16");
  node.setOutputs(node.outputs.map((each) => (each === output ? half : each)));
  if (node.type === "Cast") node.data.attributes.set("to", { kind: "int", value: FLOAT16 });
  halves.set(output, half);
  return half;
}

function innerOutputs({ graph }: OnnxGraph): OnnxValue[] {
  return graph.nodes.flatMap(subgraphsOf).flatMap((inner) => [...inner.graph.outputs, ...innerOutputs(inner)]);
}
