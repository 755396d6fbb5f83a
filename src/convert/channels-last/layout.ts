import { elementCount } from "../../graph/tensor.ts";
import type { ErrorCode } from "../../io/error.ts";
import { intsAttribute } from "../../onnx/attributes.ts";
import type { OnnxValue } from "../../onnx/model.ts";
import { type GraphBuilder, isStatic } from "../graph-builder.ts";
import { OperatorParts } from "../operator-parts.ts";

/** Orders of axes: of four, formats with channels last have them so, ONNX first. Other ranks stay as they are. */
export const TO_FIRST: readonly number[] = [0, 3, 1, 2];
export const TO_LAST: readonly number[] = [0, 2, 3, 1];

/** Sizes of four axes with channels last, as they are with channels first; other ranks as they are. */
export function firstShape<Size>(shape: readonly Size[]): readonly Size[] {
  return shape.length === 4 ? TO_FIRST.map((axis) => shape[axis]!) : shape;
}

/** What is known of the values of one conversion in both orders, so that none is turned twice, or there and back. */
export class Layouts {
  /** Of a value that was computed with channels last and then turned: what it was. */
  readonly computedLast: WeakMap<OnnxValue, OnnxValue> = new WeakMap();
  readonly turnedFirst: WeakMap<OnnxValue, OnnxValue> = new WeakMap();
  readonly turnedLast: WeakMap<OnnxValue, OnnxValue> = new WeakMap();
}

/** The values of an operator in the order of axes in which it is to be computed. */
export interface View {
  readonly values: readonly OnnxValue[];
  /** An axis of the format as the axis of these values. */
  axis(axis: number): number;
  /** What there is for each axis of the format, in the order of the axes of these values. */
  arranged<Item>(list: readonly Item[]): readonly Item[];
  /** A result of the same rank, brought to channels first. */
  result(value: OnnxValue, suffix?: string): OnnxValue;
  /** Whether the order is the format's own. */
  readonly isLast: boolean;
}

/**
 * One operator of a format that has channels last. Between operators all values of four axes have their channels first; a
 * transposition that was made for nobody is unused in the end and taken out.
 */
export abstract class LayoutParts extends OperatorParts {
  readonly layouts: Layouts;

  constructor(builder: GraphBuilder, name: string, layouts: Layouts) {
    super(builder, name);
    this.layouts = layouts;
  }

  abstract fail(code: ErrorCode, problem: string): never;

  /** A known shape, as the value has it. */
  shapeOf(value: OnnxValue): readonly number[] {
    const shape = value.constant?.shape ?? value.type?.shape;
    return isStatic(shape) ? shape : this.fail("unsupported", "the shape of what it reads is not known before it runs");
  }

  /** A known shape of a value with channels first, in the format's order. */
  lastShapeOf(value: OnnxValue): readonly number[] {
    const shape = this.shapeOf(value);
    return shape.length === 4 ? TO_LAST.map((axis) => shape[axis]!) : shape;
  }

  /** An axis counted from either end, from the start. Throws `format` where there is none. */
  place(axis: number, rank: number): number {
    const place = axis < 0 ? axis + rank : axis;
    return place >= 0 && place < rank ? place : this.fail("format", `there is no axis ${axis} in ${rank} dimensions`);
  }

  /** An axis counted in the format's order, as the axis of the value that has channels first. */
  firstAxis(axis: number, rank: number): number {
    const place = this.place(axis, rank);
    return rank === 4 ? TO_FIRST.indexOf(place) : place;
  }

  /** The value with its channels last, as the format has it. */
  last(value: OnnxValue, suffix = "last"): OnnxValue {
    if (this.shapeOf(value).length !== 4) return value;
    const { computedLast, turnedLast } = this.layouts;
    const known = computedLast.get(value) ?? turnedLast.get(value);
    if (known !== undefined) return known;
    const turned = this.moved(value, TO_LAST, suffix);
    turnedLast.set(value, turned);
    return turned;
  }

  /** A value with channels last, brought to channels first. */
  first(value: OnnxValue, suffix = "first"): OnnxValue {
    if (this.shapeOf(value).length !== 4) return value;
    const { computedLast, turnedFirst } = this.layouts;
    const known = turnedFirst.get(value);
    if (known !== undefined) return known;
    const turned = this.moved(value, TO_FIRST, suffix);
    turnedFirst.set(value, turned);
    if (turned !== value) computedLast.set(turned, value);
    return turned;
  }

  /** The values, which have channels first, in the order in which they were computed, where that is one for all. */
  view(values: readonly OnnxValue[]): View {
    const ranks = values.map((value) => this.shapeOf(value).length);
    const isLast =
      ranks.some((rank) => rank > 4) ||
      values.every((value, index) => ranks[index] !== 4 || this.layouts.computedLast.has(value));
    if (isLast) {
      return {
        isLast,
        values: values.map((value) => this.last(value)),
        axis: (axis) => axis,
        arranged: (list) => list,
        result: (value, suffix) => this.first(value, suffix),
      };
    }
    return {
      isLast,
      values,
      axis: (axis) => TO_FIRST.indexOf(axis),
      arranged: (list) => TO_FIRST.map((axis) => list[axis]!),
      result: (value) => value,
    };
  }

  /** A transposition, of what was transposed before in one; where it moves nothing but axes of size 1, a reshape. */
  moved(value: OnnxValue, perm: readonly number[], suffix: string): OnnxValue {
    if (perm.every((axis, place) => axis === place)) return value;
    const before = value.producer?.type === "Transpose" ? intsAttribute(value.producer, "perm") : undefined;
    if (before !== undefined) {
      const both = perm.map((axis) => before[axis]!);
      return this.moved(value.producer!.input(0), both, suffix);
    }
    const shape = this.shapeOf(value);
    const result = perm.map((axis) => shape[axis]!);
    const long = perm.filter((axis) => shape[axis] !== 1);
    if (long.every((axis, place) => place === 0 || axis > long[place - 1]!))
      return this.reshaped(value, result, suffix);
    return this.add("Transpose", [value], { suffix, attributes: { perm } });
  }

  /** A reshape; of what was reshaped before, in one. */
  reshaped(reshaped: OnnxValue, shape: readonly number[], suffix = "shaped"): OnnxValue {
    const value = reshaped.producer?.type === "Reshape" ? reshaped.producer.input(0) : reshaped;
    const from = this.shapeOf(value);
    if (from.join() === shape.join()) return value;
    if (elementCount(from) !== elementCount(shape))
      this.fail("format", `${from.join(" x ")} cannot become ${shape.join(" x ")}`);
    return this.add("Reshape", [value, this.integers(`${suffix}Shape`, shape)], { suffix, shape });
  }
}
