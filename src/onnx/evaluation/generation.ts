import { type Dimension, elementCount, stridesOf } from "../../graph/tensor.ts";
import type { Evaluate, Evaluators } from "./evaluator.ts";
import { ROUNDINGS } from "./rounding.ts";

const range: Evaluate = ([start, , step], [output]) => {
  const first = start?.values[0];
  const distance = step?.values[0];
  const round = ROUNDINGS[output!.type];
  if (typeof first !== "number" || typeof distance !== "number" || round === undefined) return undefined;
  return [Array.from({ length: output!.shape[0]! }, (_, index) => round(first + index * distance))];
};

/** Places of the elements that are not zero, axis by axis. */
const nonZero: Evaluate = ([input]) => {
  if (input === undefined || input.values.some((value) => typeof value !== "number")) return undefined;
  const strides = stridesOf(input.shape);
  const places = [...input.values.keys()].filter((place) => input.values[place] !== 0);
  return [input.shape.flatMap((size, axis) => places.map((place) => Math.floor(place / strides[axis]!) % size))];
};

/** Every element from a row to the right of the diagonal (upper), or to the left of it, others zero. */
const trilu: Evaluate = ([input, shift], _outputs, node) => {
  const diagonal = shift === undefined ? 0 : shift.values[0];
  if (input === undefined || typeof diagonal !== "number") return undefined;
  const [rows, columns] = input.shape.slice(-2) as [number, number];
  const upper = node.data.attributes.get("upper")?.value !== 0;
  const kept = (row: number, column: number) => (upper ? column - row >= diagonal : column - row <= diagonal);
  return [
    input.values.map((value, place): Dimension => {
      const column = place % columns;
      return kept(Math.floor(place / columns) % rows, column) ? value : 0;
    }),
  ];
};

const oneHot: Evaluate = ([indices, depth, offAndOn], [output], node) => {
  const size = depth?.values[0];
  if (indices === undefined || offAndOn === undefined || typeof size !== "number") return undefined;
  const last = node.data.attributes.get("axis")?.value ?? -1;
  if (last !== -1 && last !== indices.shape.length) return undefined;
  const values = new Array<Dimension>(elementCount(output!.shape)).fill(offAndOn.values[0]);
  for (const [row, index] of indices.values.entries()) {
    if (typeof index !== "number") return undefined;
    const column = index < 0 ? index + size : index;
    if (column >= 0 && column < size) values[row * size + column] = offAndOn.values[1];
  }
  return [values];
};

/** Operators that make index lists and masks. */
export const GENERATION: Evaluators = { Range: range, NonZero: nonZero, Trilu: trilu, OneHot: oneHot };
