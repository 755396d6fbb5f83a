import type { BoltModel, BoltNode, BoltValue } from "../../bolt/model.ts";
import { BoltqError } from "../../io/error.ts";
import type { LayerClips } from "../scale-table.ts";
import { isQuantizable, LABEL, liveNodes } from "./labels.ts";

/** Largest level of an int8 number: Bolt's scales are this by the clip value. */
const LARGEST_LEVEL = 127;

/** The values whose ranges a labelled model needs to run as static int8, in graph order. */
export function valuesToCalibrate(model: BoltModel): BoltValue[] {
  const values = new Set<BoltValue>();
  for (const node of liveNodes(model)) {
    for (const value of int8Values(node, model)) values.add(levelsFrom(value));
  }
  return [...values];
}

/**
 * Gives every QuantizeLinear and every int8 operator of a model that is labelled for dynamic int8 its static scales: 127 /
 * clip for each input and int8 output. Numbers that are only moved keep the scale they were quantized by.
 */
export function setStaticScales(model: BoltModel, clipOf: (value: BoltValue) => number): void {
  const scaleOf = (value: BoltValue) => Float32Array.of(LARGEST_LEVEL / (clipOf(levelsFrom(value)) || LARGEST_LEVEL));
  for (const node of liveNodes(model)) {
    if (node.type === "QuantizeLinear") node.data.scales = [scaleOf(node.input(0))];
    else if (computesInInt8(node, model)) {
      const last = isInt8(node) ? scaleOf(node.output()) : Float32Array.of(LABEL.int8ToFloat);
      node.data.scales = [...node.inputs.map((_, index) => scaleOf(node.input(index))), last];
    }
  }
}

/** The operators of a labelled model that compute in int8. */
export function int8Operators(model: BoltModel): BoltNode[] {
  return liveNodes(model).filter((node) => computesInInt8(node, model));
}

/** The value itself, or what a QuantizeLinear makes it of. */
export function valueBeforeQuantizing(value: BoltValue): BoltValue {
  return value.producer?.type === "QuantizeLinear" ? value.producer.input(0) : value;
}

/** The clip values of every int8 operator, as a scale table has them. Outputs that an operator between moves are left out. */
export function clipsOfScales(model: BoltModel, clipOf: (value: BoltValue) => number): Map<string, LayerClips> {
  return new Map(
    int8Operators(model).map((node): [string, LayerClips] => {
      const inputs = node.inputs.flatMap((input) => (input === undefined ? [] : [valueBeforeQuantizing(input)]));
      const readers = node.output().users;
      const gives = isInt8(node) && readers.every((reader) => computesInInt8(reader, model));
      const clips = (values: readonly BoltValue[]) =>
        new Map(values.map((value) => [value.name, clipOf(levelsFrom(value)) || LARGEST_LEVEL]));
      return [node.name, { inputs: clips(inputs), weights: new Map(), outputs: clips(gives ? [node.output()] : []) }];
    }),
  );
}

function int8Values(node: BoltNode, model: BoltModel): BoltValue[] {
  if (node.type === "QuantizeLinear") return [node.input(0)];
  return computesInInt8(node, model) && isInt8(node) ? [node.output()] : [];
}

function computesInInt8(node: BoltNode, model: BoltModel): boolean {
  const label = node.data.scales[0]?.[0];
  return isQuantizable(node, model) && (label === LABEL.int8 || label === LABEL.int8ToFloat);
}

function isInt8(node: BoltNode): boolean {
  return node.data.scales[0]?.[0] === LABEL.int8;
}

/** The value whose quantization the levels of this one come from: behind a QuantizeLinear and operators that move numbers. */
function levelsFrom(value: BoltValue): BoltValue {
  let current = value;
  for (let node = current.producer; node !== undefined; node = current.producer) {
    const moves = node.type === "QuantizeLinear" || (isInt8(node) && !MATRIX.has(node.type));
    if (!moves) break;
    current = node.inputs[0] ?? fail(node);
  }
  return current;
}

const MATRIX: ReadonlySet<string> = new Set(["Conv", "FC", "MatMul", "Deconvolution"]);

function fail(node: BoltNode): never {
  throw new BoltqError("invalid-graph", "it is labelled int8, but reads nothing", {
    subject: `operator "${node.name}"`,
  });
}
