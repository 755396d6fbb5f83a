import { intAttribute, intsAttribute, textAttribute } from "../../onnx/attributes.ts";
import type { OnnxNode } from "../../onnx/model.ts";
import { padding, samePadding, spatial } from "./convolution.ts";
import { constantIntegers, type Lower } from "./lowering.ts";

/** A kernel of 0 means the whole map. */
function kernelOf(node: OnnxNode) {
  const sizes = intsAttribute(node, "kernel_shape");
  return spatial("kernel", sizes, sizes === undefined ? 0 : 1);
}

const lowerPooling: Lower = async (node) => {
  const kernel = kernelOf(node);
  const pads = intsAttribute(node, "pads");
  const same = pads === undefined && textAttribute(node, "auto_pad", "NOTSET") === "SAME_UPPER";
  return [
    {
      type: "Pooling",
      parameters: {
        ...kernel,
        ...spatial("stride", intsAttribute(node, "strides"), 1),
        ...(same ? samePadding(kernel) : padding(pads)),
        round_mode: intAttribute(node, "ceil_mode", 0) === 0 ? "FLOOR" : "CEIL",
        mode: /^(AveragePool|GlobalAveragePool|ReduceMean)$/.test(node.type) ? "MEAN" : "MAX",
        count_include_pad: intAttribute(node, "count_include_pad", 0),
      },
    },
  ];
};

const REDUCTION_MODES: Readonly<Record<string, string>> = {
  ReduceSum: "SUM",
  ReduceMean: "MEAN",
  ReduceMax: "MAX",
  ReduceMin: "MIN",
  ReduceL2: "L2",
  ReduceProd: "SCALAR_PRODUCT",
};

const lowerReduction: Lower = async (node, context) => {
  const axes = intsAttribute(node, "axes") ?? (await constantIntegers(node, 1)) ?? [];
  const overMap = axes.length === 2 && axes[0] === 2 && axes[1] === 3 && intAttribute(node, "keepdims", 0) === 1;
  if (overMap && (node.type === "ReduceMean" || node.type === "ReduceMax")) return lowerPooling(node, context);
  return [
    {
      type: "Reduction",
      parameters: {
        axes,
        num_axes: axes.length,
        mode: REDUCTION_MODES[node.type]!,
        coeff: 1,
        keep_dim: intAttribute(node, "keepdims", 1) === 0 ? 0 : 1,
      },
    },
  ];
};

const lowerArgMax: Lower = async (node) => [{ type: "ArgMax", parameters: { axis: intAttribute(node, "axis", -1) } }];

const lowerTopK: Lower = async (node) => [
  {
    type: "TopK",
    parameters: {
      axis: intAttribute(node, "axis", -1),
      largest: intAttribute(node, "largest", 1),
      sorted: intAttribute(node, "sorted", 1),
      k: node.inputs.length > 1 ? ((await constantIntegers(node, 1))?.[0] ?? 0) : intAttribute(node, "k", 1),
    },
  },
];

export const POOLINGS: Readonly<Record<string, Lower>> = {
  AveragePool: lowerPooling,
  MaxPool: lowerPooling,
  GlobalAveragePool: lowerPooling,
  ReduceMean: lowerReduction,
  ReduceMax: lowerReduction,
  ReduceSum: lowerReduction,
  ReduceMin: lowerReduction,
  ReduceL2: lowerReduction,
  ReduceProd: lowerReduction,
  ArgMax: lowerArgMax,
  TopK: lowerTopK,
};
