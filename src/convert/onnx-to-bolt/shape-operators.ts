import type { BoltTensorDescription } from "../../bolt/tensor-description.ts";
import { NO_BYTES } from "../../io/bytes.ts";
import { BoltqError } from "../../io/error.ts";
import { floatAttribute, floatsAttribute, intAttribute, intsAttribute, textAttribute } from "../../onnx/attributes.ts";
import type { OnnxNode, OnnxTensor } from "../../onnx/model.ts";
import { ELEMENT_TYPES, elementTypeNumber } from "../../onnx/schema.ts";
import { numbersOf } from "../../onnx/tensor-data.ts";
import { defaultDataFormat } from "./data-format.ts";
import {
  allInputs,
  constantInput,
  constantIntegers,
  constantNumbers,
  dynamicInputs,
  firstAndDynamicInputs,
  type Lower,
  type LoweredWeight,
  requireConstant,
} from "./lowering.ts";
import { boltData, boltTypeOf } from "./weight-data.ts";

/** What Bolt's files say for a size or position that is known only while the network runs. */
const UNKNOWN = 9035;
const GREATEST_AXIS = 2 ** 31 - 1;

const lowerReshape: Lower = async (node) => {
  const shape = (node.inputs.length === 1 ? intsAttribute(node, "shape") : await constantIntegers(node, 1)) ?? [];
  return [
    {
      type: "Reshape",
      inputs: firstAndDynamicInputs(node),
      parameters: { shape, num_shape: shape.length, axis: 0, num_axes: -1 },
    },
  ];
};

/** Bolt 1.3.0 has a Reshape for it: 0 keeps an axis, -1 takes the rest. */
const lowerFlatten: Lower = async (node, { rules }) => {
  const axis = intAttribute(node, "axis", 1);
  if (rules === "1.5") return [{ type: "Flatten", parameters: { axis } }];
  const shape = [...new Array<number>(axis).fill(0), -1];
  return [{ type: "Reshape", parameters: { shape, num_shape: shape.length, axis: 0, num_axes: -1 } }];
};

const lowerTranspose: Lower = async (node) => {
  const axes = intsAttribute(node, "perm") ?? [];
  return [{ type: "Transpose", parameters: { axes, num_axes: axes.length } }];
};

const lowerConcat: Lower = async (node) => [
  { type: "Concat", inputs: allInputs(node), parameters: { axis: intAttribute(node, "axis", 1) } },
];

const lowerSqueeze: Lower = async (node, { asBolt }) => {
  if (!asBolt && node.inputs.length > 1) requireConstant(node, 1, "list of axes");
  const axes = (node.inputs.length > 1 ? await constantIntegers(node, 1) : intsAttribute(node, "axes")) ?? [];
  return [{ type: node.type, parameters: { axes, num_axes: axes.length } }];
};

const lowerSlice: Lower = async (node, { asBolt }) => {
  if (!asBolt)
    for (const index of node.inputs.keys())
      if (index > 0 && node.inputs[index] !== undefined) requireConstant(node, index, "bound or axis");
  const [starts, ends, axes, steps] = await sliceInputs(node);
  const count = Math.min(starts.length, ends.length, axes === undefined ? Number.POSITIVE_INFINITY : axes.length);
  const begin = new Array<number>(8).fill(0);
  const end = new Array<number>(8).fill(-1);
  const strides = new Array<number>(8).fill(1);
  const mask = new Array<number>(8).fill(1);
  for (let index = 0; index < count; index++) {
    const axis = positiveAxis(node, axes?.[index] ?? index);
    begin[axis] = starts[index]!;
    end[axis] = ends[index]!;
    if (steps !== undefined) strides[axis] = steps[index]!;
    mask[axis] = 0;
  }
  return [
    {
      type: "TfSlice",
      inputs: firstAndDynamicInputs(node),
      parameters: { begin, end, strides, begin_mask: mask, end_mask: mask, num_dims: 8 },
    },
  ];
};

async function sliceInputs(node: OnnxNode): Promise<[number[], number[], number[] | undefined, number[] | undefined]> {
  const unknown = new Array<number>(8).fill(UNKNOWN);
  if (node.inputs.length === 1) {
    const list = (name: string) => intsAttribute(node, name)?.map((value) => Math.min(value, GREATEST_AXIS));
    return [list("starts") ?? [], list("ends") ?? [], list("axes"), list("steps")];
  }
  return [
    (await constantIntegers(node, 1)) ?? unknown,
    (await constantIntegers(node, 2)) ?? unknown,
    await constantIntegers(node, 3),
    await constantIntegers(node, 4),
  ];
}

function positiveAxis(node: OnnxNode, axis: number): number {
  if (axis >= 0) return axis;
  const rank = node.inputs[0]?.type?.shape?.length;
  if (rank !== undefined) return axis + rank;
  throw new BoltqError("unsupported", `its axis ${axis} counts from the end of a tensor of unknown rank`, {
    subject: `operator "${node.name}" (${node.type})`,
    remedy: "Run ONNX shape inference on the model first",
  });
}

const MOST_SLICES = 8;

const lowerSplit: Lower = async (node, { asBolt }) => {
  if (!asBolt && node.inputs.length > 1) requireConstant(node, 1, "list of sizes");
  const sizes =
    intsAttribute(node, "split") ?? (node.inputs.length > 1 ? await constantIntegers(node, 1) : undefined) ?? [];
  const axis = intAttribute(node, "axis", 0);
  if (sizes.length > MOST_SLICES) {
    throw new BoltqError("unsupported", `Bolt splits into at most ${MOST_SLICES} parts`, {
      subject: `operator "${node.name}" (Split)`,
    });
  }
  const points = sizes.slice(0, -1).map((_, part) => sizes.slice(0, part + 1).reduce((sum, size) => sum + size, 0));
  const count = sizes.length === 0 ? node.outputs.length - 1 : sizes.length - 1;
  return [
    {
      type: "Slice",
      parameters: { slice_points: points.length > 0 ? points : sizes.slice(0, 1), num_slice: count, axis },
    },
  ];
};

/** As a Slice with one part, which the clean-up takes out. */
const lowerIdentity: Lower = async () => [{ type: "Slice", parameters: { num_slice: 0, axis: 0 } }];

const lowerGather: Lower = async (node, { rules }) => {
  const parameters = {
    axis: node.type === "GatherND" ? GREATEST_AXIS : intAttribute(node, "axis", 0),
    element_level: node.type === "GatherElements" ? 1 : 0,
    batch_dims: node.type === "GatherND" ? intAttribute(node, "batch_dims", 0) : 0,
  };
  if (rules === "1.5") return [{ type: "Gather", inputs: allInputs(node), parameters }];
  const [data, index] = [constantInput(node, 0), constantInput(node, 1)];
  return [
    {
      type: "Gather",
      parameters: {
        ...parameters,
        index_scalar: node.type === "Gather" && index?.shape.length === 0 ? 1 : 0,
        data_desc: data && describeShape(data),
        index_desc: index && describeShape(index),
      },
      weight: await ownConstants(data, index),
    },
  ];
};

/** In files of Bolt 1.3.0 a Gather holds its constants itself: the data as weight, the indices as vector. */
async function ownConstants(data: OnnxTensor | undefined, index: OnnxTensor | undefined): Promise<LoweredWeight> {
  return {
    dataType: boltTypeOf((data ?? index)?.type ?? "float32"),
    weight: data === undefined ? NO_BYTES : await boltData(data),
    vector: index === undefined ? NO_BYTES : await boltData(index),
  };
}

function describeShape({ type, shape }: OnnxTensor): BoltTensorDescription {
  const dimensions = shape.length === 0 ? [1] : [...shape].reverse();
  return { dataType: boltTypeOf(type), dataFormat: defaultDataFormat(shape.length, "1.3.0"), dimensions };
}

const lowerCast: Lower = async (node) => {
  const type = ELEMENT_TYPES[intAttribute(node, "to", elementTypeNumber("float32"))];
  return [
    { type: "Cast", inputs: dynamicInputs(node), parameters: { dt: type === undefined ? "F32" : boltTypeOf(type) } },
  ];
};

const lowerShape: Lower = async () => [{ type: "Shape" }];

const lowerConstantOfShape: Lower = async (node) => {
  const value = node.data.attributes.get("value");
  const tensor = value?.kind === "tensor" ? value.value : undefined;
  const number = tensor === undefined ? 0 : (await numbersOf(tensor))[0]!;
  return [
    {
      type: "ConstantOfShape",
      inputs: allInputs(node),
      parameters: { dt: tensor === undefined ? "F32" : boltTypeOf(tensor.type), value: number },
    },
  ];
};

const lowerExpand: Lower = async (node) => {
  const shape = (await constantIntegers(node, 1)) ?? [];
  return [{ type: "Expand", inputs: firstAndDynamicInputs(node), parameters: { shape, num_shape: shape.length } }];
};

const lowerTile: Lower = async (node, { asBolt }) => {
  if (!asBolt) requireConstant(node, 1, "list of repeats");
  const repeats = (await constantIntegers(node, 1)) ?? [];
  return [
    {
      type: "Tile",
      inputs: firstAndDynamicInputs(node),
      parameters: { repeats, num_repeats: repeats.length },
    },
  ];
};

const PAD_MODES: Readonly<Record<string, string>> = { constant: "CONSTANT", edge: "EDGE", reflect: "REFLECT" };

/** Places of the pads in ONNX's list, by its length: NCHW, NCH or NC. */
const PAD_PLACES: Readonly<Record<number, Readonly<Record<string, number>>>> = {
  8: { front: 1, top: 2, left: 3, back: 5, bottom: 6, right: 7 },
  6: { front: 1, top: 2, back: 4, bottom: 5 },
  4: { front: 1, back: 3 },
};

const lowerPad: Lower = async (node, { asBolt }) => {
  const pads = intsAttribute(node, "pads") ?? (await constantIntegers(node, 1)) ?? new Array<number>(8).fill(UNKNOWN);
  const places = PAD_PLACES[pads.length];
  if (places === undefined) {
    throw new BoltqError("unsupported", `Bolt cannot pad a tensor of ${pads.length / 2} axes`, {
      subject: `operator "${node.name}" (Pad)`,
    });
  }
  const mode = PAD_MODES[textAttribute(node, "mode", "constant")];
  if (!asBolt) requirePad(node, mode, pads);
  const stated = asBolt ? undefined : (await constantNumbers(node, 2))?.[0];
  return [
    {
      type: "Pad",
      inputs: firstAndDynamicInputs(node),
      parameters: {
        ...Object.fromEntries(Object.entries(places).map(([side, place]) => [side, pads[place]!])),
        constant_value: stated ?? floatAttribute(node, "value", 0),
        pad_mode: mode ?? "CONSTANT",
      },
    },
  ];
};

/** Bolt's reader takes any mode it does not know for CONSTANT, and pads no batch. */
function requirePad(node: OnnxNode, mode: string | undefined, pads: readonly number[]): void {
  for (const index of [1, 2, 3]) if (node.inputs[index] !== undefined) requireConstant(node, index, "padding");
  const padsBatch = pads[0] !== 0 || pads[pads.length / 2] !== 0;
  if (mode !== undefined && !padsBatch && node.inputs[3] === undefined) return;
  throw new BoltqError("unsupported", "Bolt cannot pad a batch, listed axes, or by wrapping around", {
    subject: `operator "${node.name}" (Pad)`,
    remedy: "Export the model with constant, edge or reflected padding of all axes",
  });
}

const lowerSpaceToDepth: Lower = async (node) => [
  { type: "Space2Depth", parameters: { block_size: intAttribute(node, "blocksize", 1) } },
];

const lowerDepthToSpace: Lower = async (node) => [
  {
    type: "Depth2Space",
    parameters: { block_size: intAttribute(node, "blocksize", 1), mode: textAttribute(node, "mode", "DCR") },
  },
];

const RESIZE_MODES: Readonly<Record<string, string>> = { linear: "LINEAR", nearest: "NEAREST", cubic: "CUBIC" };
const COORDINATE_MODES: Readonly<Record<string, string>> = {
  align_corners: "ALIGN_CORNERS",
  half_pixel: "HALF_PIXEL",
  pytorch_half_pixel: "PYTORCH_HALF_PIXEL",
  asymmetric: "ASYMMETRIC",
};
const NEAREST_MODES: Readonly<Record<string, string>> = {
  round_prefer_floor: "PREFER_FLOOR",
  round_prefer_ceil: "PREFER_CEIL",
  floor: "FLOOR",
};

const lowerResize: Lower = async (node) => {
  const upsample = node.type === "Upsample";
  const mode = RESIZE_MODES[textAttribute(node, "mode", "nearest").toLowerCase()];
  const coordinates =
    COORDINATE_MODES[upsample ? "asymmetric" : textAttribute(node, "coordinate_transformation_mode", "half_pixel")];
  if (mode === undefined || coordinates === undefined) {
    throw new BoltqError("unsupported", "Bolt has no such way of resizing", {
      subject: `operator "${node.name}" (${node.type})`,
    });
  }
  const { scales, sizes } = await resizeTargets(node);
  return [
    {
      type: "Resize",
      inputs: dynamicInputs(node),
      parameters: {
        mode,
        trans_mode: coordinates,
        round_mode: upsample
          ? "FLOOR"
          : (NEAREST_MODES[textAttribute(node, "nearest_mode", "round_prefer_floor")] ?? "CEIL"),
        ...(scales.length > 0 ? { scales, num_scales: scales.length } : {}),
        ...(sizes.length > 2 ? { sizes: sizes.slice(2), num_sizes: sizes.length - 2 } : {}),
      },
    },
  ];
};

/** Constant inputs of float numbers are scales, of integers sizes: where an exporter left the others empty, any place. */
async function resizeTargets(node: OnnxNode): Promise<{ scales: number[]; sizes: number[] }> {
  let scales = Array.from(floatsAttribute(node, "scales") ?? []);
  let sizes: number[] = [];
  for (const index of node.inputs.keys()) {
    const tensor = constantInput(node, index);
    if (tensor === undefined) continue;
    if (tensor.type === "int64") sizes = (await constantIntegers(node, index)) ?? [];
    else scales = Array.from((await constantNumbers(node, index)) ?? []);
  }
  return { scales, sizes };
}

export const SHAPE_OPERATORS: Readonly<Record<string, Lower>> = {
  Reshape: lowerReshape,
  Flatten: lowerFlatten,
  Transpose: lowerTranspose,
  Concat: lowerConcat,
  Squeeze: lowerSqueeze,
  Unsqueeze: lowerSqueeze,
  Slice: lowerSlice,
  Split: lowerSplit,
  Identity: lowerIdentity,
  Gather: lowerGather,
  GatherElements: lowerGather,
  GatherND: lowerGather,
  Cast: lowerCast,
  Shape: lowerShape,
  ConstantOfShape: lowerConstantOfShape,
  Expand: lowerExpand,
  Tile: lowerTile,
  Pad: lowerPad,
  SpaceToDepth: lowerSpaceToDepth,
  DepthToSpace: lowerDepthToSpace,
  Resize: lowerResize,
  Upsample: lowerResize,
};
