import { intAttribute, intsAttribute, textAttribute } from "./attributes.ts";
import { type KnownShapes, type PartialShape, productOf } from "./known-shapes.ts";
import type { OnnxNode } from "./model.ts";

/** The shapes of an operator's outputs, by what is known of its inputs. */
type ShapeRule = (node: OnnxNode, known: KnownShapes) => readonly (PartialShape | undefined)[];

const sameAsFirst: ShapeRule = (node, known) => [known.shape(node.inputs[0])];

const broadcast: ShapeRule = (node, known) => {
  const shapes = node.inputs.map((input) => known.shape(input));
  if (shapes.some((shape) => shape === undefined)) return [undefined];
  const rank = Math.max(...shapes.map((shape) => shape!.length));
  return [
    Array.from({ length: rank }, (_, axis) =>
      broadcastSize(shapes.map((shape) => shape!.at(axis - rank) ?? (shape!.length < rank - axis ? 1 : undefined))),
    ),
  ];
};

function broadcastSize(sizes: readonly (number | undefined)[]): number | undefined {
  const long = sizes.find((size) => size !== undefined && size !== 1);
  return long ?? (sizes.every((size) => size === 1) ? 1 : undefined);
}

/** How a window of `kernel` at `stride` changes a size. */
function windowed(
  node: OnnxNode,
  size: number | undefined,
  axis: number,
  axes: number,
  kernel: number,
): number | undefined {
  if (size === undefined) return undefined;
  const stride = intsAttribute(node, "strides")?.[axis] ?? 1;
  const dilation = intsAttribute(node, "dilations")?.[axis] ?? 1;
  if (/^SAME/.test(textAttribute(node, "auto_pad", "NOTSET"))) return Math.ceil(size / stride);
  const pads = intsAttribute(node, "pads");
  const room = size + (pads?.[axis] ?? 0) + (pads?.[axis + axes] ?? 0) - dilation * (kernel - 1) - 1;
  return (intAttribute(node, "ceil_mode", 0) === 0 ? Math.floor(room / stride) : Math.ceil(room / stride)) + 1;
}

const convolution: ShapeRule = (node, known) => {
  const [input, weight] = [known.shape(node.inputs[0]), known.shape(node.inputs[1])];
  if (input === undefined || weight === undefined) return [undefined];
  const kernel = intsAttribute(node, "kernel_shape") ?? weight.slice(2);
  const spatial = input
    .slice(2)
    .map((size, axis) =>
      kernel[axis] === undefined ? undefined : windowed(node, size, axis, kernel.length, kernel[axis]),
    );
  return [[input[0], weight[0], ...spatial]];
};

const transposedConvolution: ShapeRule = (node, known) => {
  const [input, weight] = [known.shape(node.inputs[0]), known.shape(node.inputs[1])];
  if (input === undefined || weight?.[1] === undefined) return [undefined];
  const kernel = intsAttribute(node, "kernel_shape") ?? weight.slice(2);
  const spatial = input.slice(2).map((size, axis) => stretched(node, size, axis, kernel.length, kernel[axis]));
  return [
    [
      input[0],
      weight[1] * intAttribute(node, "group", 1),
      ...(intsAttribute(node, "output_shape")?.slice(-spatial.length) ?? spatial),
    ],
  ];
};

function stretched(
  node: OnnxNode,
  size: number | undefined,
  axis: number,
  axes: number,
  kernel: number | undefined,
): number | undefined {
  if (size === undefined || kernel === undefined) return undefined;
  const stride = intsAttribute(node, "strides")?.[axis] ?? 1;
  if (/^SAME/.test(textAttribute(node, "auto_pad", "NOTSET"))) return size * stride;
  const dilation = intsAttribute(node, "dilations")?.[axis] ?? 1;
  const pads = intsAttribute(node, "pads");
  const more = intsAttribute(node, "output_padding")?.[axis] ?? 0;
  return stride * (size - 1) + more + dilation * (kernel - 1) + 1 - (pads?.[axis] ?? 0) - (pads?.[axis + axes] ?? 0);
}

const pooling: ShapeRule = (node, known) => {
  const input = known.shape(node.inputs[0]);
  const kernel = intsAttribute(node, "kernel_shape") ?? [];
  const output =
    input === undefined
      ? undefined
      : [
          ...input.slice(0, 2),
          ...input.slice(2).map((size, axis) => windowed(node, size, axis, kernel.length, kernel[axis] ?? 1)),
        ];
  return node.outputs.map(() => output);
};

const globalPooling: ShapeRule = (node, known) => {
  const input = known.shape(node.inputs[0]);
  return [input?.map((size, axis) => (axis < 2 ? size : 1))];
};

const gemm: ShapeRule = (node, known) => {
  const [a, b] = [known.shape(node.inputs[0]), known.shape(node.inputs[1])];
  return [[a?.[intAttribute(node, "transA", 0) === 0 ? 0 : 1], b?.[intAttribute(node, "transB", 0) === 0 ? 1 : 0]]];
};

const matMul: ShapeRule = (node, known) => {
  const [a, b] = [known.shape(node.inputs[0]), known.shape(node.inputs[1])];
  if (a === undefined || b === undefined || a.length < 2 || b.length < 2) return [undefined];
  const batch = a.length >= b.length ? a.slice(0, -2) : b.slice(0, -2);
  return [[...batch, a.at(-2), b.at(-1)]];
};

const concat: ShapeRule = (node, known) => {
  const shapes = node.inputs.map((input) => known.shape(input));
  const first = shapes.find((shape) => shape !== undefined);
  if (first === undefined) return [undefined];
  const axis = positive(intAttribute(node, "axis", 1), first.length);
  const total = shapes.reduce<number | undefined>(
    (sum, shape) => (sum === undefined || shape?.[axis] === undefined ? undefined : sum + shape[axis]),
    0,
  );
  return [first.map((size, index) => (index === axis ? total : size))];
};

function positive(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

const flatten: ShapeRule = (node, known) => {
  const input = known.shape(node.inputs[0]);
  if (input === undefined) return [undefined];
  const axis = positive(intAttribute(node, "axis", 1), input.length);
  return [[productOf(input.slice(0, axis)), productOf(input.slice(axis))]];
};

const reshape: ShapeRule = (node, known) => {
  const input = known.shape(node.inputs[0]);
  const wanted = known.values(node.inputs[1]) ?? intsAttribute(node, "shape");
  if (wanted === undefined) return [undefined];
  const sizes = wanted.map((size, axis) => (size === 0 ? input?.[axis] : size === -1 ? undefined : size));
  const open = wanted.indexOf(-1);
  const total = input === undefined ? undefined : productOf(input);
  const rest = productOf(sizes.filter((_, axis) => axis !== open));
  if (open >= 0 && total !== undefined && rest !== undefined && rest > 0) sizes[open] = total / rest;
  return [sizes];
};

const transpose: ShapeRule = (node, known) => {
  const input = known.shape(node.inputs[0]);
  const order = intsAttribute(node, "perm") ?? input?.map((_, axis) => input.length - 1 - axis);
  return [input === undefined ? undefined : order?.map((axis) => input[axis])];
};

const squeeze: ShapeRule = (node, known) => {
  const input = known.shape(node.inputs[0]);
  const axes = intsAttribute(node, "axes") ?? known.values(node.inputs[1]);
  if (input === undefined || (axes === undefined && node.inputs.length > 1)) return [undefined];
  const gone = axes?.map((axis) => positive(axis ?? 0, input.length));
  return [input.filter((size, axis) => (gone === undefined ? size !== 1 : !gone.includes(axis)))];
};

const unsqueeze: ShapeRule = (node, known) => {
  const input = known.shape(node.inputs[0]);
  const axes = intsAttribute(node, "axes") ?? known.values(node.inputs[1]);
  if (input === undefined || axes === undefined) return [undefined];
  const output = [...input];
  const rank = input.length + axes.length;
  for (const axis of axes.map((axis) => positive(axis ?? 0, rank)).sort((one, other) => one - other))
    output.splice(axis, 0, 1);
  return [output];
};

const shapeOf: ShapeRule = (node, known) => [[known.shape(node.inputs[0])?.length]];

const gather: ShapeRule = (node, known) => {
  const [data, index] = [known.shape(node.inputs[0]), known.shape(node.inputs[1])];
  if (data === undefined || index === undefined) return [undefined];
  const axis = positive(intAttribute(node, "axis", 0), data.length);
  return [[...data.slice(0, axis), ...index, ...data.slice(axis + 1)]];
};

const slice: ShapeRule = (node, known) => {
  const input = known.shape(node.inputs[0]);
  const list = (name: string, place: number) => intsAttribute(node, name) ?? known.values(node.inputs[place]);
  const [starts, ends, axes, steps] = [list("starts", 1), list("ends", 2), list("axes", 3), list("steps", 4)];
  if (input === undefined || starts === undefined || ends === undefined) return [undefined];
  const output = [...input];
  starts.forEach((start, index) => {
    const axis = positive(axes?.[index] ?? index, input.length);
    output[axis] = sliced(input[axis], start, ends[index], steps?.[index] ?? 1);
  });
  return [output];
};

function sliced(
  size: number | undefined,
  start: number | undefined,
  end: number | undefined,
  step: number,
): number | undefined {
  if (size === undefined || start === undefined || end === undefined || step === 0) return undefined;
  const clamp = (place: number, low: number, high: number) =>
    Math.max(low, Math.min(high, place < 0 ? place + size : place));
  if (step > 0) return Math.max(0, Math.ceil((clamp(end, 0, size) - clamp(start, 0, size)) / step));
  return Math.max(0, Math.ceil((clamp(end, -1, size - 1) - clamp(start, 0, size - 1)) / step));
}

const resize: ShapeRule = (node, known) => {
  const input = known.shape(node.inputs[0]);
  const sizes = known.values(node.inputs[3]);
  if (sizes !== undefined) return [sizes];
  const scales = known.values(node.inputs[node.type === "Upsample" ? 1 : 2]);
  if (input === undefined || scales === undefined) return [undefined];
  return [
    input.map((size, axis) =>
      size === undefined || scales[axis] === undefined ? undefined : Math.floor(size * scales[axis]),
    ),
  ];
};

const reduction: ShapeRule = (node, known) => {
  const input = known.shape(node.inputs[0]);
  if (input === undefined) return [undefined];
  const axes = (intsAttribute(node, "axes") ?? known.values(node.inputs[1]))?.map((axis) =>
    positive(axis ?? 0, input.length),
  );
  const isReduced = (axis: number) => axes === undefined || axes.includes(axis);
  if (intAttribute(node, "keepdims", 1) !== 0) return [input.map((size, axis) => (isReduced(axis) ? 1 : size))];
  return [input.filter((_, axis) => !isReduced(axis))];
};

const argument: ShapeRule = (node, known) => {
  const input = known.shape(node.inputs[0]);
  if (input === undefined) return [undefined];
  const reduced = positive(intAttribute(node, "axis", 0), input.length);
  const keep = intAttribute(node, "keepdims", 1) !== 0;
  return [input.flatMap((size, axis) => (axis !== reduced ? [size] : keep ? [1] : []))];
};

const pad: ShapeRule = (node, known) => {
  const input = known.shape(node.inputs[0]);
  const pads = intsAttribute(node, "pads") ?? known.values(node.inputs[1]);
  if (input === undefined || pads?.length !== 2 * input.length) return [input?.map(() => undefined)];
  return [input.map((size, axis) => add(size, add(pads[axis], pads[axis + input.length])))];
};

function add(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? undefined : one + other;
}

const split: ShapeRule = (node, known) => {
  const input = known.shape(node.inputs[0]);
  if (input === undefined) return [];
  const axis = positive(intAttribute(node, "axis", 0), input.length);
  const sizes = intsAttribute(node, "split") ?? known.values(node.inputs[1]);
  const even = input[axis] === undefined ? undefined : Math.ceil(input[axis] / node.outputs.length);
  return node.outputs.map((_, part) =>
    input.map((size, index) => (index === axis ? (sizes === undefined ? even : sizes[part]) : size)),
  );
};

const expand: ShapeRule = (node, known) => [known.values(node.inputs[1])];
const fromShape: ShapeRule = (node, known) => [known.values(node.inputs[0])];

const tile: ShapeRule = (node, known) => {
  const [input, repeats] = [known.shape(node.inputs[0]), known.values(node.inputs[1])];
  return [
    input?.map((size, axis) =>
      size === undefined || repeats?.[axis] === undefined ? undefined : size * repeats[axis],
    ),
  ];
};

const UNARY =
  "Relu LeakyRelu Elu PRelu Sigmoid HardSigmoid HardSwish Tanh Softplus Softmax LogSoftmax Clip Exp Log Sqrt Abs Neg Sign Erf Floor Ceil Round Reciprocal " +
  "Sin Cos Not Cast Identity Dropout BatchNormalization InstanceNormalization LayerNormalization LpNormalization LRN CumSum QuantizeLinear DequantizeLinear";
const BINARY = "Add Sub Mul Div Pow Max Min Sum Where Equal Less LessOrEqual Greater GreaterOrEqual And Or Xor";

function all(types: string, rule: ShapeRule): Record<string, ShapeRule> {
  return Object.fromEntries(types.split(" ").map((type) => [type, rule]));
}

/** Shape rules by operator type; what is not here gives unknown shapes. */
export const SHAPE_RULES: Readonly<Record<string, ShapeRule>> = {
  ...all(UNARY, sameAsFirst),
  ...all(BINARY, broadcast),
  ...all("AveragePool MaxPool", pooling),
  ...all("GlobalAveragePool GlobalMaxPool", globalPooling),
  ...all("ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2", reduction),
  ...all("ArgMax ArgMin", argument),
  ...all("Resize Upsample", resize),
  Conv: convolution,
  ConvTranspose: transposedConvolution,
  Gemm: gemm,
  MatMul: matMul,
  Concat: concat,
  Flatten: flatten,
  Reshape: reshape,
  Transpose: transpose,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Shape: shapeOf,
  Gather: gather,
  Slice: slice,
  Pad: pad,
  Split: split,
  Expand: expand,
  Tile: tile,
  ConstantOfShape: fromShape,
};
