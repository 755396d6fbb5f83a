import { type Dimension, type ElementType, elementCount, stridesOf } from "../../graph/tensor.ts";
import { reducedAxes } from "../shape-rules/reduction.ts";
import { type Evaluate, type Evaluators, placesOf } from "./evaluator.ts";
import { isInteger, ROUNDINGS } from "./rounding.ts";

/** Combines all elements along the reduced axes, rounding after each step; `finish` gets their number. */
function reduce(
  start: number,
  step: (sum: number, value: number) => number,
  finish: (sum: number, count: number, type: ElementType) => number = (sum) => sum,
): Evaluate {
  return ([input, axesInput], [output], node) => {
    const round = ROUNDINGS[output!.type];
    if (input === undefined || round === undefined) return undefined;
    const axes = reducedAxes(node, axesInput?.values, input.shape.length);
    if (axes === undefined) return undefined;
    const gone = new Set(axes);
    const strides = stridesOf(input.shape);
    const kept = input.shape.map((_, axis) => axis).filter((axis) => !gone.has(axis));
    const select = (chosen: readonly number[]) =>
      placesOf(
        chosen.map((axis) => input.shape[axis]!),
        chosen.map((axis) => strides[axis]!),
      );
    const inner = select([...gone].sort((a, b) => a - b));
    const count = elementCount(axes.map((axis) => input.shape[axis]!));
    return [
      Array.from(select(kept), (outer): Dimension => {
        let sum: Dimension = start;
        for (const place of inner) {
          const value = input.values[outer + place];
          if (typeof value !== "number" || typeof sum !== "number") return undefined;
          sum = round(step(sum, value));
        }
        return typeof sum === "number" ? round(finish(sum, count, input.type)) : undefined;
      }),
    ];
  };
}

const add = (sum: number, value: number) => sum + value;
const addSquare = (sum: number, value: number) => sum + value * value;

/** Reductions over axes. Empty ones are left to the runtime where they have no result. */
export const REDUCTIONS: Evaluators = {
  ReduceSum: reduce(0, add),
  ReduceProd: reduce(1, (product, value) => product * value),
  ReduceMax: reduce(Number.NEGATIVE_INFINITY, Math.max),
  ReduceMin: reduce(Number.POSITIVE_INFINITY, Math.min),
  ReduceMean: reduce(0, add, (sum, count, type) => (isInteger(type) ? Math.trunc(sum / count) : sum / count)),
  ReduceL1: reduce(0, (sum, value) => sum + Math.abs(value)),
  ReduceL2: reduce(0, addSquare, Math.sqrt),
  ReduceSumSquare: reduce(0, addSquare),
  ReduceLogSum: reduce(0, add, Math.log),
};
