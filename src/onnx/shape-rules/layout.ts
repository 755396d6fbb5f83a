import type { Dimension } from "../../graph/tensor.ts";
import { BoltqError } from "../../io/error.ts";
import { intAttribute, intsAttribute } from "../attributes.ts";
import {
  axesOf,
  broadcastShapes,
  changed,
  integersIn,
  isStatic,
  multiply,
  productOf,
  unknownShape,
} from "./dimensions.ts";
import { type InferOutputs, type NodeFacts, type Shape, type ShapeRules, typed } from "./shape-rule.ts";

const reshape: InferOutputs = ({ node, type, shape, values }) => {
  const target = intsAttribute(node, "shape") ?? values(1);
  if (target !== undefined)
    return [typed(type(0), reshaped(shape(0), target, intAttribute(node, "allowzero", 0) !== 0))];
  const rank = shape(1)?.[0];
  return [typed(type(0), typeof rank === "number" ? unknownShape(rank) : undefined)];
};

/** 0 copies a dimension unless `allowZero`; -1 is what is left over. */
function reshaped(input: Shape | undefined, target: Shape, allowZero: boolean): Dimension[] {
  const copied = target.map((size, axis) => (size === 0 && !allowZero ? input?.[axis] : size));
  const open = copied.indexOf(-1);
  if (open < 0) {
    requireSameCount(input, copied);
    return copied;
  }
  const others = copied.filter((_, axis) => axis !== open);
  copied[open] = input === undefined ? undefined : leftOver(input, others);
  return copied;
}

function requireSameCount(input: Shape | undefined, target: Shape): void {
  if (!isStatic(input) || !isStatic(target) || productOf(input) === productOf(target)) return;
  throw new BoltqError("invalid-graph", `[${input.join(", ")}] cannot be reshaped to [${target.join(", ")}]`, {
    remedy: "The model fixes a size: give the input shapes that it was made for",
  });
}

/** The elements of `input` over those of `others`, where the symbols of the two cancel out. */
function leftOver(input: Shape, others: Shape): Dimension {
  const rest = [...input];
  let divisor = 1;
  for (const size of others) {
    const same = rest.indexOf(size);
    if (typeof size === "number") divisor *= size;
    else if (size === undefined || same < 0) return undefined;
    else rest.splice(same, 1);
  }
  const numbers = rest.filter((size) => typeof size === "number").reduce((product, size) => product * size, 1);
  const symbols = rest.filter((size) => typeof size !== "number");
  const ratio = divisor === 0 ? 0 : numbers / divisor;
  if (symbols.length === 0) return wholeOf(ratio, input, others);
  return ratio === 1 && symbols.length === 1 ? symbols[0] : undefined;
}

function wholeOf(ratio: number, input: Shape, others: Shape): number {
  if (Number.isInteger(ratio)) return ratio;
  throw new BoltqError(
    "invalid-graph",
    `[${input.join(", ")}] does not divide into [${others.join(", ")}] and a rest`,
    {
      remedy: "The model fixes a size: give the input shapes that it was made for",
    },
  );
}

const flatten: InferOutputs = ({ node, type, shape }) => {
  const input = shape(0);
  const axis = intAttribute(node, "axis", 1);
  const split = input !== undefined && axis < 0 ? axis + input.length : axis;
  return [typed(type(0), [input && productOf(input.slice(0, split)), input && productOf(input.slice(split))])];
};

const transpose: InferOutputs = ({ node, type, shape }) => {
  const input = shape(0);
  const permutation = intsAttribute(node, "perm") ?? input?.map((_, axis) => input.length - 1 - axis);
  if (input === undefined) return [typed(type(0), permutation && unknownShape(permutation.length))];
  const axes = axesOf(permutation!, input.length);
  return [
    typed(
      type(0),
      axes.map((axis) => input[axis]),
    ),
  ];
};

/** Axes by attribute (before opset 13) or as the second input; undefined when they are not given or not known. */
function axesGiven({ node, values }: NodeFacts): readonly number[] | undefined {
  return intsAttribute(node, "axes") ?? integersIn(values(1));
}

const squeeze: InferOutputs = (facts) => {
  const input = facts.shape(0);
  const given = axesGiven(facts);
  const type = facts.type(0);
  if (input === undefined || (given === undefined && facts.has(1))) return [typed(type, undefined)];
  if (given === undefined) return [typed(type, isStatic(input) ? input.filter((size) => size !== 1) : undefined)];
  const axes = new Set(axesOf(given, input.length));
  return [
    typed(
      type,
      input.filter((_, axis) => !axes.has(axis)),
    ),
  ];
};

const unsqueeze: InferOutputs = (facts) => {
  const input = facts.shape(0);
  const given = axesGiven(facts);
  if (input === undefined || given === undefined) return [typed(facts.type(0), undefined)];
  const rank = input.length + given.length;
  const axes = new Set(axesOf(given, rank));
  const rest = [...input];
  return [
    typed(
      facts.type(0),
      Array.from({ length: rank }, (_, axis) => (axes.has(axis) ? 1 : rest.shift())),
    ),
  ];
};

const expand: InferOutputs = ({ type, shape, values }) => {
  const target = values(1);
  if (target !== undefined) return [typed(type(0), broadcastShapes([shape(0), target]))];
  const rank = shape(1)?.[0];
  const input = shape(0);
  const known = typeof rank === "number" && input !== undefined;
  return [typed(type(0), known ? unknownShape(Math.max(rank, input.length)) : undefined)];
};

const tile: InferOutputs = ({ type, shape, values }) => {
  const repeats = values(1);
  return [
    typed(
      type(0),
      shape(0)?.map((size, axis) => multiply(size, repeats?.[axis])),
    ),
  ];
};

const shapeOf: InferOutputs = ({ node, shape }) => {
  const rank = shape(0)?.length;
  return [typed("int64", [rank === undefined ? undefined : shapeSpan(node, rank)[1] - shapeSpan(node, rank)[0]])];
};

/** First and end axis that a Shape node tells. */
export function shapeSpan(node: NodeFacts["node"], rank: number): [number, number] {
  const clamp = (axis: number) => Math.max(0, Math.min(rank, axis < 0 ? axis + rank : axis));
  const start = clamp(intAttribute(node, "start", 0));
  return [start, Math.max(start, clamp(intAttribute(node, "end", rank)))];
}

const depthToSpace: InferOutputs = ({ node, type, shape }) => {
  const block = intAttribute(node, "blocksize", 1);
  const input = shape(0);
  return [
    typed(type(0), [
      input?.[0],
      changed(input?.[1], (size) => size / (block * block)),
      changed(input?.[2], (size) => size * block),
      changed(input?.[3], (size) => size * block),
    ]),
  ];
};

const spaceToDepth: InferOutputs = ({ node, type, shape }) => {
  const block = intAttribute(node, "blocksize", 1);
  const input = shape(0);
  return [
    typed(type(0), [
      input?.[0],
      changed(input?.[1], (size) => size * block * block),
      changed(input?.[2], (size) => Math.floor(size / block)),
      changed(input?.[3], (size) => Math.floor(size / block)),
    ]),
  ];
};

/** Operators that put the same elements into another shape, and those that tell a shape. */
export const LAYOUT_RULES: ShapeRules = {
  Reshape: { infer: reshape, reads: [1] },
  Flatten: { infer: flatten },
  Transpose: { infer: transpose },
  Squeeze: { infer: squeeze, reads: [1] },
  Unsqueeze: { infer: unsqueeze, reads: [1] },
  Expand: { infer: expand, reads: [1] },
  Tile: { infer: tile, reads: [1] },
  Shape: { infer: shapeOf },
  Size: { infer: () => [typed("int64", [])] },
  DepthToSpace: { infer: depthToSpace },
  SpaceToDepth: { infer: spaceToDepth },
};
