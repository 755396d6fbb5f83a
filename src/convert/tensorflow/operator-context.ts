import type { ElementType } from "../../graph/tensor.ts";
import { BoltqError, type ErrorCode } from "../../io/error.ts";
import type { OnnxValue } from "../../onnx/model.ts";
import { LayoutParts, type Layouts } from "../channels-last/layout.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { KnownNumbers } from "../known-numbers.ts";
import { subjectOf, type TensorflowAttribute, type TensorflowNode } from "./node.ts";

/** What an operator may ask of the whole. */
export interface TensorflowValues {
  readonly builder: GraphBuilder;
  readonly layouts: Layouts;
  readonly known: KnownNumbers;
  readonly rewritable: Rewritable;
}

/** Operators that a later one may be joined with; the first way of computing is then unused. */
export interface Rewritable {
  /** Of a convolution or product without a bias: the same with one of its channels. */
  readonly withBias: Map<OnnxValue, (bias: OnnxValue) => OnnxValue>;
  /** Of a map whose places were dealt out to the batch: how. */
  readonly dealt: Map<OnnxValue, Dealing>;
  /** Of a convolution of such a map: the same with dilation, of the map itself. */
  readonly dilated: Map<OnnxValue, (block: readonly number[], crops: readonly number[]) => OnnxValue | undefined>;
}

/** SpaceToBatchND of a map: the map, the block (height, width), and what is padded (top, bottom, left, right). */
export interface Dealing {
  readonly map: OnnxValue;
  readonly block: readonly number[];
  readonly paddings: readonly number[];
}

/** What stands for a value that is not computed, because a constant condition excludes it. */
export const DEAD = "dead";

/** A value with channels first where it has four axes, or none. */
export type Result = OnnxValue | typeof DEAD;

/** One operator that is being converted. Values have their channels first where they have four axes. */
export class OperatorContext extends LayoutParts {
  readonly node: TensorflowNode;
  readonly inputs: readonly OnnxValue[];
  readonly known: KnownNumbers;
  readonly rewritable: Rewritable;

  constructor(node: TensorflowNode, inputs: readonly OnnxValue[], values: TensorflowValues) {
    super(values.builder, node.name, values.layouts);
    this.node = node;
    this.inputs = inputs;
    this.known = values.known;
    this.rewritable = values.rewritable;
  }

  input(index = 0): OnnxValue {
    return this.inputs[index] ?? this.fail("format", `its input ${index} is missing`);
  }

  /** Sizes of an input, in TensorFlow's order. */
  lastShape(index = 0): readonly number[] {
    return this.lastShapeOf(this.input(index));
  }

  typeOf(value: OnnxValue): ElementType {
    return value.constant?.type ?? value.type?.type ?? "float32";
  }

  attribute(name: string): TensorflowAttribute | undefined {
    return this.node.attributes.get(name);
  }

  flag(name: string, absent = false): boolean {
    return this.attribute(name)?.flag ?? absent;
  }

  integer(name: string, absent: number): number {
    return this.attribute(name)?.integer ?? absent;
  }

  float(name: string, absent: number): number {
    return this.attribute(name)?.float ?? absent;
  }

  text(name: string, absent = ""): string {
    return this.attribute(name)?.text ?? absent;
  }

  list(name: string): readonly number[] {
    return this.attribute(name)?.integers ?? [];
  }

  type(name: string): ElementType {
    return this.attribute(name)?.type ?? this.fail("unsupported", `its type ${name} is missing or none of numbers`);
  }

  /** Numbers of an input that follow from constants and sizes, in TensorFlow's order. */
  async knownNumbers(index: number): Promise<readonly number[] | undefined> {
    return this.known.of(this.last(this.input(index)));
  }

  /** Whole numbers that must be known before the network runs. */
  async constantIntegers(index: number): Promise<readonly number[]> {
    const known = await this.knownNumbers(index);
    if (known === undefined)
      return this.fail("unsupported", `its input ${index} is computed while the network runs; a constant is wanted`);
    if (!known.every(Number.isSafeInteger)) return this.fail("format", `its input ${index} must be whole numbers`);
    return known;
  }

  async constantInteger(index: number): Promise<number> {
    const [first, ...more] = await this.constantIntegers(index);
    if (first === undefined || more.length > 0) return this.fail("format", `its input ${index} must be one number`);
    return first;
  }

  /** Whether maps are stated with their channels first. */
  isChannelsFirst(): boolean {
    const format = this.text("data_format", "NHWC");
    if (format !== "NHWC" && format !== "NCHW") this.fail("unsupported", `the layout ${format} cannot be converted`);
    return format === "NCHW";
  }

  /** A map with its channels first. */
  map(index = 0): OnnxValue {
    const value = this.input(index);
    if (this.shapeOf(value).length !== 4) this.fail("unsupported", "it wants a map of four dimensions");
    return this.isChannelsFirst() ? this.last(value) : value;
  }

  /** A map that was computed with its channels first, as a value of the conversion. */
  fromMap(value: OnnxValue): OnnxValue {
    return this.isChannelsFirst() ? this.first(value, "turned") : value;
  }

  override fail(code: ErrorCode, problem: string): never {
    throw new BoltqError(code, problem, { subject: subjectOf(this.node) });
  }
}

/** Converts one operator: gives its outputs, or the first of them. */
export type ConvertOperator = (
  context: OperatorContext,
) => OnnxValue | readonly Result[] | Promise<OnnxValue | readonly Result[]>;

export type OperatorTable = Readonly<Record<string, ConvertOperator>>;
