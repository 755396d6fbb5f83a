import type { ParameterValues } from "../../bolt/parameters.ts";
import { BoltqError } from "../../io/error.ts";
import { floatAttribute, intAttribute, intsAttribute, textAttribute } from "../../onnx/attributes.ts";
import type { OnnxNode } from "../../onnx/model.ts";
import { numbersOf } from "../../onnx/tensor-data.ts";
import { padding, spatial } from "./convolution.ts";
import {
  allInputs,
  constantInput,
  constantIntegers,
  constantNumbers,
  dynamicInputs,
  type Lower,
  requireConstant,
} from "./lowering.ts";
import { boltTypeOf } from "./weight-data.ts";

/** What Bolt's files say for a number that is known only while the network runs. */
const UNKNOWN = 9035;

/** The axis that marks ScatterND. */
const ALL_AXES = 2 ** 31 - 1;

const lowerScatter: Lower = async (node, { asBolt }) => {
  if (!asBolt && textAttribute(node, "reduction", "none") !== "none") refuse(node, "Bolt scatters without a reduction");
  const axis = node.type === "ScatterND" ? ALL_AXES : intAttribute(node, "axis", 0);
  return [{ type: "Scatter", inputs: allInputs(node), parameters: { axis } }];
};

/** CumProd is a name that Bolt knows beside ONNX's. Files of 1.3.0 hold sums alone, and the axis in one bit. */
const lowerCumulative: Lower = async (node, { rules }) => {
  requireConstant(node, 1, "axis");
  const axis = (await constantIntegers(node, 1))![0]!;
  if (rules === "1.3.0" && (node.type === "CumProd" || axis > 1))
    refuse(node, "Bolt 1.3.0 sums along the first two axes alone");
  return [
    {
      type: "Cum",
      parameters: {
        mode: rules === "1.5" ? (node.type === "CumSum" ? "SUM" : "PROD") : undefined,
        exclusive: intAttribute(node, "exclusive", 0),
        reverse: intAttribute(node, "reverse", 0),
        axis,
      },
    },
  ];
};

const SAMPLE_MODES: Readonly<Record<string, string>> = { bilinear: "LINEAR", linear: "LINEAR", nearest: "NEAREST" };
const SAMPLE_PADDINGS: Readonly<Record<string, string>> = { zeros: "CONSTANT", border: "EDGE", reflection: "REFLECT" };

/** Bolt takes a missing `align_corners` for 1. */
const lowerGridSample: Lower = async (node, { asBolt }) => {
  const mode = SAMPLE_MODES[textAttribute(node, "mode", "bilinear")];
  const pad = SAMPLE_PADDINGS[textAttribute(node, "padding_mode", "zeros")];
  if (mode === undefined || pad === undefined) return refuse(node, "Bolt has no such way of sampling");
  const corners = intAttribute(node, "align_corners", asBolt ? 1 : 0);
  return [
    {
      type: "GridSample",
      inputs: asBolt ? dynamicInputs(node) : allInputs(node),
      parameters: { mode, pad_mode: pad, align_corners: corners },
    },
  ];
};

const lowerOneHot: Lower = async (node) => {
  requireConstant(node, 1, "depth");
  const values = await numbersOf(requireConstant(node, 2, "list of values"));
  const depth = (await constantIntegers(node, 1))![0]!;
  return [{ type: "OneHot", parameters: { axis: intAttribute(node, "axis", -1), depth, values: Array.from(values) } }];
};

const lowerNonMaxSuppression: Lower = async (node, { asBolt }) => {
  if (!asBolt)
    for (const index of [2, 3, 4]) if (node.inputs[index] !== undefined) requireConstant(node, index, "limit");
  return [
    {
      type: "NonMaxSuppression",
      inputs: asBolt ? dynamicInputs(node) : allInputs(node).slice(0, 2),
      parameters: {
        center_point_box: intAttribute(node, "center_point_box", 0),
        max_output_boxes_per_class: (await constantIntegers(node, 2))?.[0] ?? 0,
        iou_threshold: (await constantNumbers(node, 3))?.[0] ?? 0,
        score_threshold: (await constantNumbers(node, 4))?.[0] ?? 0,
      },
    },
  ];
};

/** Bolt's engine moves regions by no half pixel and takes all from the first image, unless an input says which. */
const lowerRoiAlign: Lower = async (node, { asBolt }) => {
  const mode = textAttribute(node, "coordinate_transformation_mode", "half_pixel");
  const images = await constantIntegers(node, 2);
  const ofFirst = images?.every((image) => image === 0) ?? false;
  return [
    {
      type: "RoIAlign",
      inputs: asBolt ? dynamicInputs(node) : allInputs(node).slice(0, ofFirst ? 2 : 3),
      parameters: {
        trans_mode: mode === "half_pixel" ? "HALF_PIXEL" : "OUTPUT_HALF_PIXEL",
        mode: textAttribute(node, "mode", "avg") === "max" ? "MAX" : "MEAN",
        output_h: intAttribute(node, "output_height", 1),
        output_w: intAttribute(node, "output_width", 1),
        sampling_ratio: intAttribute(node, "sampling_ratio", 0),
        spatial_scale: floatAttribute(node, "spatial_scale", 1),
      },
    },
  ];
};

/** Bolt takes a stated type, whichever it is, for an integer. Version 1.3.0 draws from an interval alone. */
const lowerRandom: Lower = async (node, { asBolt, rules }) => {
  const isNormal = node.type.startsWith("RandomNormal");
  if (isNormal && rules === "1.3.0") refuse(node, "Bolt 1.3.0 draws no normally distributed numbers");
  const interval = [floatAttribute(node, "high", 1), floatAttribute(node, "low", 0)];
  const value = isNormal
    ? [floatAttribute(node, "mean", 0), floatAttribute(node, "scale", 1)]
    : rules === "1.5"
      ? interval
      : interval.reverse();
  const shape = intsAttribute(node, "shape") ?? [];
  return [
    {
      type: "Random",
      parameters: {
        mode: rules === "1.5" ? (isNormal ? "NORMAL" : "UNIFORM") : undefined,
        dt: asBolt && node.data.attributes.has("dtype") ? "I32" : "F32",
        value,
        seed: floatAttribute(node, "seed", UNKNOWN),
        shape,
        num_shape: shape.length,
      },
    },
  ];
};

const lowerRange: Lower = async (node) => {
  const bounds = [0, 1, 2].map((index) => constantInput(node, index));
  const typed = bounds.findLast((bound) => bound !== undefined);
  const [start, limit, delta] = await Promise.all([0, 1, 2].map((index) => constantNumbers(node, index)));
  return [
    {
      type: "Range",
      inputs: dynamicInputs(node),
      parameters: {
        dt: typed === undefined ? "I32" : boltTypeOf(typed.type),
        start: start?.[0] ?? UNKNOWN,
        limit: limit?.[0] ?? UNKNOWN,
        delta: delta?.[0] ?? UNKNOWN,
      },
    },
  ];
};

/** Bolt keeps the letters of each term from the last to the first, as its dimensions. */
const lowerEinsum: Lower = async (node) => {
  const [terms = "", output = ""] = textAttribute(node, "equation", "").split("->");
  const [left = "", right = ""] = terms.split(",");
  const reversed = (term: string) => [...term].reverse().join("");
  const parameters: ParameterValues = {
    equation_r: reversed(right),
    equation_l: reversed(left),
    equation_o: reversed(output),
    num_equation_r: right.length,
    num_equation_l: left.length,
    num_equation_o: output.length,
  };
  return [{ type: "Einsum", inputs: allInputs(node), parameters }];
};

const lowerMaxUnpool: Lower = async (node) => {
  const kernel = intsAttribute(node, "kernel_shape") ?? [];
  const sizes = spatial("kernel", kernel, 1);
  return [
    {
      type: "UnPooling",
      inputs: dynamicInputs(node),
      parameters: {
        ...sizes,
        ...spatial("stride", intsAttribute(node, "strides"), 1),
        ...padding(intsAttribute(node, "pads")),
        mode: "MAX",
      },
    },
  ];
};

function refuse(node: OnnxNode, problem: string): never {
  throw new BoltqError("unsupported", problem, { subject: `operator "${node.name}" (${node.type})` });
}

export const INDEXING: Readonly<Record<string, Lower>> = {
  Scatter: lowerScatter,
  ScatterElements: lowerScatter,
  ScatterND: lowerScatter,
  CumSum: lowerCumulative,
  CumProd: lowerCumulative,
  GridSample: lowerGridSample,
  OneHot: lowerOneHot,
  NonMaxSuppression: lowerNonMaxSuppression,
  RoiAlign: lowerRoiAlign,
  RandomNormal: lowerRandom,
  RandomNormalLike: lowerRandom,
  RandomUniform: lowerRandom,
  RandomUniformLike: lowerRandom,
  Range: lowerRange,
  Einsum: lowerEinsum,
  MaxUnpool: lowerMaxUnpool,
};
