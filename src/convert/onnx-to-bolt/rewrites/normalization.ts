import { elementCount } from "../../../graph/tensor.ts";
import { floatAttribute, intAttribute } from "../../../onnx/attributes.ts";
import type { OnnxValue } from "../../../onnx/model.ts";
import { axisOf } from "../../../onnx/shape-rules/dimensions.ts";
import { floatTensor, integerTensor, numbersOf } from "../../../onnx/tensor-data.ts";
import type { Rewrite, RewriteTable, Rewriting } from "./rewrite.ts";

/** What Bolt's engine adds to a variance, whatever the file says. */
const ENGINE_EPSILON = 1e-6;

/** The least epsilon that is carried over. */
const LEAST_EPSILON = 1e-12;

/** The input, so large that the engine's epsilon beside its variance is what the stated one is beside the original. */
function forEngine(rewriting: Rewriting, input: OnnxValue): OnnxValue {
  const stated = floatAttribute(rewriting.node, "epsilon", 1e-5);
  const factor = Math.sqrt(ENGINE_EPSILON / Math.max(stated, LEAST_EPSILON));
  if (Math.abs(factor - 1) < 1e-3) return input;
  return rewriting.add("Mul", [input, rewriting.constant("factor", floatTensor([], [factor]))], "scaled");
}

/** Bolt normalizes along one axis; several are made one. */
const layerNormalization: Rewrite = (rewriting) => {
  const { node } = rewriting;
  const shape = rewriting.shapeOf(0);
  const axis = axisOf(intAttribute(node, "axis", -1), shape.length);
  const [scale, bias] = [node.input(1).constant, node.inputs[2]?.constant];
  if (scale === undefined || (node.inputs[2] !== undefined && bias === undefined))
    return rewriting.fail("its scale or bias is computed while the network runs");
  const input = forEngine(rewriting, node.input(0));
  const attributes = { axis: -1, epsilon: { float: ENGINE_EPSILON } };
  const flat = (tensor: typeof scale, suffix: string) =>
    tensor.shape.length === 1
      ? node.input(suffix === "scale" ? 1 : 2)
      : rewriting.constant(suffix, { ...tensor, shape: [elementCount(tensor.shape)] });
  const weights = [flat(scale, "scale"), ...(bias === undefined ? [] : [flat(bias, "bias")])];
  if (axis === shape.length - 1) return rewriting.replace("LayerNormalization", [input, ...weights], attributes);
  const sizes = rewriting.staticShapeOf(0);
  const rows = [...sizes.slice(0, axis), elementCount(sizes.slice(axis))];
  const target = (suffix: string, list: readonly number[]) =>
    rewriting.constant(suffix, integerTensor([list.length], list));
  const reshaped = rewriting.add("Reshape", [input, target("rowShape", rows)], "rows");
  const normalized = rewriting.add("LayerNormalization", [reshaped, ...weights], "normalized", attributes);
  rewriting.replace("Reshape", [normalized, target("shape", sizes)]);
};

const instanceNormalization: Rewrite = (rewriting) => {
  const { node } = rewriting;
  const input = forEngine(rewriting, node.input(0));
  if (input === node.input(0)) return;
  rewriting.replace("InstanceNormalization", [input, node.input(1), node.input(2)], {
    epsilon: { float: ENGINE_EPSILON },
  });
};

/** Groups are instances of a map of that many channels; factor and summand come after. */
const groupNormalization: Rewrite = async (rewriting) => {
  const { node } = rewriting;
  const shape = rewriting.staticShapeOf(0);
  const [batch, channels] = shape as [number, number];
  const groups = intAttribute(node, "num_groups", 1);
  const target = (suffix: string, list: readonly number[]) =>
    rewriting.constant(suffix, integerTensor([list.length], list));
  const input = forEngine(rewriting, node.input(0));
  const grouped = rewriting.add("Reshape", [input, target("groupShape", [batch, groups, -1, 1])], "grouped");
  const ones = rewriting.filled("ones", [groups], () => 1);
  const zeros = rewriting.filled("zeros", [groups], () => 0);
  const normalized = rewriting.add("InstanceNormalization", [grouped, ones, zeros], "normalized", {
    epsilon: { float: ENGINE_EPSILON },
  });
  const whole = rewriting.add("Reshape", [normalized, target("shape", shape)], "whole");
  const perChannel = async (place: number, suffix: string) => {
    const { constant } = node.input(place);
    if (constant === undefined) return rewriting.fail("its scale or bias is computed while the network runs");
    const values = await numbersOf(constant);
    const repeats = channels / values.length;
    const spread = [channels, ...shape.slice(2).map(() => 1)];
    return rewriting.filled(suffix, spread, (channel) => values[Math.floor(channel / repeats)]!);
  };
  const scaled = rewriting.add("Mul", [whole, await perChannel(1, "scale")], "product");
  rewriting.replace("Add", [scaled, await perChannel(2, "bias")]);
};

/** x / (bias + α / size · Σ x²)^β over neighbouring channels: the sum is a 1 × 1 convolution of the squares. */
const localResponse: Rewrite = (rewriting) => {
  const { node } = rewriting;
  const input = node.input(0);
  const shape = rewriting.shapeOf(0);
  const channels = shape[1];
  if (shape.length !== 4 || typeof channels !== "number")
    return rewriting.fail("Bolt convolves maps of a known number of channels");
  const size = intAttribute(node, "size", 1);
  const before = Math.floor((size - 1) / 2);
  const share = floatAttribute(node, "alpha", 1e-4) / size;
  const number = (suffix: string, value: number) => rewriting.constant(suffix, floatTensor([], [value]));
  const squares = rewriting.add("Pow", [input, number("two", 2)], "squares");
  const weight = rewriting.filled("neighbours", [channels, channels, 1, 1], (index) => {
    const distance = (index % channels) - Math.floor(index / channels);
    return distance >= -before && distance < size - before ? share : 0;
  });
  const sums = rewriting.add("Conv", [squares, weight], "sums", { kernel_shape: [1, 1] });
  const base = rewriting.add("Add", [sums, number("bias", floatAttribute(node, "bias", 1))], "base");
  const power = rewriting.add("Pow", [base, number("exponent", -floatAttribute(node, "beta", 0.75))], "factor");
  rewriting.replace("Mul", [input, power]);
};

/** Bolt normalizes with the means and variances of the file; one that trains takes those of its input. */
const batchNormalization: Rewrite = (rewriting) => {
  const trains = intAttribute(rewriting.node, "training_mode", 0) === 1;
  if (trains || rewriting.node.outputs.slice(1).some((output) => rewriting.isUsed(output)))
    rewriting.fail("it trains: it takes the mean and variance of its input", "Export the model for inference");
};

/** Normalizations along axes. */
export const NORMALIZATION_REWRITES: RewriteTable = {
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  InstanceNormalization: instanceNormalization,
  GroupNormalization: groupNormalization,
  LRN: localResponse,
};
