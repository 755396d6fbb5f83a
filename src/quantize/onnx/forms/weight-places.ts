import { floatAttribute, intAttribute } from "../../../onnx/attributes.ts";
import type { OnnxGraph, OnnxModel, OnnxNode, OnnxValue } from "../../../onnx/model.ts";
import { subgraphsOf } from "../../../onnx/subgraphs.ts";

/** A float32 matrix of a model and the operator that reads it. */
export interface WeightPlace {
  readonly node: OnnxNode;
  /** The graph that the operator stands in. */
  readonly graph: OnnxGraph;
  /** Which input the weight is. */
  readonly index: number;
  readonly value: OnnxValue;
  /** `matrix`: multiplied with; `table`: rows are looked up in it. */
  readonly role: "matrix" | "table";
  /** The axis of the channels: columns of a MatMul, rows of a table. */
  readonly axis: 0 | 1;
}

/** The matrices of a model in order of the operators that read them, those in subgraphs included. */
export function weightPlaces(model: OnnxModel): WeightPlace[] {
  return placesIn(model.main);
}

function placesIn(graph: OnnxGraph): WeightPlace[] {
  return graph.graph.nodes.flatMap((node) => {
    const inner = subgraphsOf(node).flatMap(placesIn);
    const found = node.data.domain === "" ? ROLES[node.type]?.(node) : undefined;
    const value = found && node.inputs[found.index];
    if (value?.constant?.type !== "float32" || value.constant.shape.length !== 2) return inner;
    return [{ node, graph, value, ...found! }, ...inner];
  });
}

type Found = Pick<WeightPlace, "index" | "role" | "axis">;

const ROLES: Readonly<Record<string, (node: OnnxNode) => Found | undefined>> = {
  MatMul: ({ inputs }) => (isConstant(inputs[0]) ? undefined : { index: 1, role: "matrix", axis: 1 }),
  Gemm: (node) => {
    const plain = floatAttribute(node, "alpha", 1) === 1 && floatAttribute(node, "beta", 1) === 1;
    if (!plain || intAttribute(node, "transA", 0) !== 0 || isConstant(node.inputs[0])) return undefined;
    return { index: 1, role: "matrix", axis: intAttribute(node, "transB", 0) === 0 ? 1 : 0 };
  },
  Gather: (node) => (intAttribute(node, "axis", 0) === 0 ? { index: 0, role: "table", axis: 0 } : undefined),
};

function isConstant(value: OnnxValue | undefined): boolean {
  return value?.constant !== undefined;
}
