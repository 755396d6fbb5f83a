import type { TensorType } from "../../graph/tensor.ts";
import { intAttribute, intsAttribute } from "../attributes.ts";
import type { OnnxNode, OnnxTensor } from "../model.ts";
import { ELEMENT_TYPES } from "../schema.ts";
import { unknownShape } from "./dimensions.ts";
import { type InferOutputs, rulesFor, type ShapeRules, typed } from "./shape-rule.ts";

/** Kinds of attribute in which a Constant may hold its value. */
export const CONSTANT_LISTS: Readonly<Record<string, "float32" | "int64">> = {
  value_float: "float32",
  value_floats: "float32",
  value_int: "int64",
  value_ints: "int64",
};

/** The tensor attribute "value" of a Constant or ConstantOfShape. */
export function valueAttribute(node: OnnxNode): OnnxTensor | undefined {
  const value = node.data.attributes.get("value");
  return value?.kind === "tensor" ? value.value : undefined;
}

const constant: InferOutputs = ({ node }) => {
  const tensor = valueAttribute(node);
  if (tensor !== undefined) return [{ type: tensor.type, shape: tensor.shape }];
  for (const [name, attribute] of node.data.attributes) {
    const type = CONSTANT_LISTS[name];
    if (type === undefined) continue;
    return [{ type, shape: Array.isArray(attribute.value) ? [attribute.value.length] : [] }];
  }
  return [stringConstant(node)];
};

function stringConstant(node: OnnxNode): TensorType | undefined {
  const list = node.data.attributes.get("value_strings");
  if (list?.kind === "strings") return { type: "string", shape: [list.value.length] };
  return node.data.attributes.has("value_string") ? { type: "string", shape: [] } : undefined;
}

const constantOfShape: InferOutputs = ({ node, shape, values }) => {
  const rank = shape(0)?.[0];
  const result = values(0) ?? (typeof rank === "number" ? unknownShape(rank) : undefined);
  return [typed(valueAttribute(node)?.type ?? "float32", result)];
};

const range: InferOutputs = ({ type, values }) => {
  const [start, limit, step] = [values(0)?.[0], values(1)?.[0], values(2)?.[0]];
  const known = typeof start === "number" && typeof limit === "number" && typeof step === "number";
  if (known) return [typed(type(0), [Math.max(0, Math.ceil((limit - start) / step))])];
  return [typed(type(0), [start === 0 && step === 1 ? limit : undefined])];
};

/** Element type by attribute `dtype`, else that of the input, else float32. */
const random: InferOutputs = ({ node, type, shape }) => [
  typed(
    ELEMENT_TYPES[intAttribute(node, "dtype", 0)] ?? type(0) ?? "float32",
    intsAttribute(node, "shape") ?? shape(0),
  ),
];

const window: InferOutputs = ({ node, values }) => [
  typed(ELEMENT_TYPES[intAttribute(node, "output_datatype", 1)], [values(0)?.[0]]),
];

/** Operators that make a tensor of nothing, or of a size. */
export const GENERATION_RULES: ShapeRules = {
  Constant: { infer: constant },
  ConstantOfShape: { infer: constantOfShape, reads: [0] },
  Range: { infer: range, reads: [0, 1, 2] },
  ...rulesFor(["RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "EyeLike", "Bernoulli"], {
    infer: random,
  }),
  ...rulesFor(["HannWindow", "HammingWindow", "BlackmanWindow"], { infer: window, reads: [0] }),
};
