import { BoltqError } from "../io/error.ts";
import { intAttribute } from "./attributes.ts";
import type { OnnxNode } from "./model.ts";

/** Axes that a tensor can have, far above any real one. */
const MOST_AXES = 64;
const GREATEST_SIZE = 2 ** 31 - 1;

const AXIS = [-MOST_AXES, MOST_AXES - 1] as const;
const SIZE = [1, GREATEST_SIZE] as const;

/** Least and greatest integers of attributes, whichever operator of ai.onnx has them: they become loop counts and sizes. */
const LIMITS: Readonly<Record<string, readonly [number, number]>> = {
  axis: AXIS,
  axes: AXIS,
  batch_axis: AXIS,
  time_axis: AXIS,
  perm: [0, MOST_AXES - 1],
  batch_dims: [0, MOST_AXES - 1],
  group: SIZE,
  num_groups: SIZE,
  num_heads: SIZE,
  hidden_size: SIZE,
  kernel_shape: SIZE,
  strides: SIZE,
  dilations: SIZE,
  blocksize: [1, 2 ** 15],
  num_outputs: [1, 2 ** 20],
  pads: [-GREATEST_SIZE, GREATEST_SIZE],
  output_padding: [0, GREATEST_SIZE],
  output_shape: [0, GREATEST_SIZE],
};

/** Throws BoltqError `invalid-graph` for an attribute whose integers no such operator can have. */
export function requireSaneAttributes(node: OnnxNode): void {
  for (const [name, attribute] of node.data.attributes) {
    if (!Object.hasOwn(LIMITS, name) || (attribute.kind !== "int" && attribute.kind !== "ints")) continue;
    const [least, most] = LIMITS[name]!;
    const wrong = [attribute.value].flat().find((value) => !(value >= least && value <= most));
    if (wrong === undefined) continue;
    throw new BoltqError("invalid-graph", `its attribute "${name}" is ${wrong}, not from ${least} to ${most}`);
  }
}

/** Weights of convolutions: at which input, and which of their axes the group divides. */
const CONVOLUTIONS: Readonly<Record<string, { readonly weight: number; readonly bias: number; readonly axis: 0 | 1 }>> =
  {
    Conv: { weight: 1, bias: 2, axis: 0 },
    ConvInteger: { weight: 1, bias: -1, axis: 0 },
    QLinearConv: { weight: 3, bias: 8, axis: 0 },
    ConvTranspose: { weight: 1, bias: 2, axis: 1 },
  };

/** Operators whose constants from the second input on are vectors of one length. */
const VECTORS: ReadonlySet<string> = new Set(["BatchNormalization", "InstanceNormalization"]);

/** How many gates the units of a recurrent operator have. */
const GATES: Readonly<Record<string, number>> = { RNN: 1, GRU: 3, LSTM: 4 };

/** Throws BoltqError `invalid-graph` where the constants of an operator contradict each other or its attributes. */
export function requireWeightShapes(node: OnnxNode): void {
  if (Object.hasOwn(CONVOLUTIONS, node.type)) checkConvolution(node, CONVOLUTIONS[node.type]!);
  if (VECTORS.has(node.type)) checkVectors(node);
  if (Object.hasOwn(GATES, node.type)) checkRecurrent(node, GATES[node.type]!);
  if (node.type === "Gemm") for (const index of [0, 1]) requireAxes(node, index, 2, 2);
}

function constantShape(node: OnnxNode, index: number): readonly number[] | undefined {
  return node.inputs[index]?.constant?.shape;
}

function requireAxes(node: OnnxNode, index: number, least: number, most: number): void {
  const shape = constantShape(node, index);
  if (shape === undefined || (shape.length >= least && shape.length <= most)) return;
  throw new BoltqError("invalid-graph", `its constant input ${index} has the shape [${shape.join(", ")}]`);
}

function checkConvolution(node: OnnxNode, { weight, bias, axis }: (typeof CONVOLUTIONS)[string]): void {
  requireAxes(node, weight, 3, MOST_AXES);
  const shape = constantShape(node, weight);
  if (shape === undefined) return;
  const group = intAttribute(node, "group", 1);
  if (shape[0]! % group !== 0)
    throw new BoltqError("invalid-graph", `its weight [${shape.join(", ")}] cannot be divided into ${group} groups`);
  const kernel = node.data.attributes.get("kernel_shape");
  if (kernel?.kind === "ints" && kernel.value.length > 0 && `${kernel.value}` !== `${shape.slice(2)}`)
    throw new BoltqError(
      "invalid-graph",
      `its kernel of ${kernel.value.join("x")} is not its weight's [${shape.join(", ")}]`,
    );
  const outputs = axis === 0 ? shape[0]! : shape[1]! * group;
  const biases = constantShape(node, bias);
  if (biases !== undefined && `${biases}` !== `${outputs}`)
    throw new BoltqError("invalid-graph", `its bias [${biases.join(", ")}] does not fit its ${outputs} outputs`);
}

function checkVectors(node: OnnxNode): void {
  const shapes = node.inputs.slice(1).flatMap((input) => (input?.constant === undefined ? [] : [input.constant.shape]));
  if (shapes.every((shape) => shape.length === 1 && shape[0] === shapes[0]![0])) return;
  const all = shapes.map((shape) => `[${shape.join(", ")}]`).join(", ");
  throw new BoltqError("invalid-graph", `its constants ${all} are not vectors of one length`);
}

/** W is directions × gates·units × features, R directions × gates·units × units, B directions × 2·gates·units. */
function checkRecurrent(node: OnnxNode, gates: number): void {
  const shapes = [1, 2, 3].map((index) => constantShape(node, index));
  if (shapes[1] === undefined) return;
  const [directions = 0, , units = 0] = shapes[1];
  const stated = intAttribute(node, "hidden_size", units);
  const expected = [
    [directions, gates * units, shapes[0]?.[2]],
    [directions, gates * units, units],
    [directions, 2 * gates * units],
  ];
  const sound =
    units > 0 && stated === units && shapes.every((shape, index) => !shape || `${shape}` === `${expected[index]}`);
  if (sound) return;
  const all = shapes.map((shape) => (shape === undefined ? "none" : `[${shape.join(", ")}]`)).join(", ");
  throw new BoltqError("invalid-graph", `its constants ${all} are not those of ${stated} units with ${gates} gates`);
}
