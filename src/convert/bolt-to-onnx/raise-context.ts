import type { BoltModel, BoltNode, BoltValue, BoltWeight } from "../../bolt/model.ts";
import type { Parameters } from "../../bolt/parameters.ts";
import type { ElementType } from "../../graph/tensor.ts";
import { BoltqError } from "../../io/error.ts";
import type { OnnxValue } from "../../onnx/model.ts";
import { type GraphBuilder, isStatic, type Shape } from "../graph-builder.ts";
import { OperatorParts } from "../operator-parts.ts";
import { NonNegativeValues } from "./non-negative.ts";
import { dequantize, type Quantized, quantize } from "./quantized-value.ts";

/** A value of the Bolt graph in the ONNX graph: as float (or integer), as int8, or both; made when it is asked for. */
interface RaisedValue {
  plain: OnnxValue | undefined;
  quantized: Quantized | undefined;
}

/** What has been raised so far. */
export class RaiseState {
  readonly model: BoltModel;
  readonly builder: GraphBuilder;
  /** Values that are never below zero, among those raised so far. */
  readonly nonNegative: NonNegativeValues = new NonNegativeValues();
  readonly #values = new Map<BoltValue, RaisedValue>();
  readonly #names: ReadonlyMap<BoltValue, string>;
  readonly #bound = new Set<OnnxValue>();

  /** `names` gives each value of the Bolt graph its name in the ONNX graph. */
  constructor(model: BoltModel, builder: GraphBuilder, names: ReadonlyMap<BoltValue, string>) {
    this.model = model;
    this.builder = builder;
    this.#names = names;
    for (const name of names.values()) builder.reserve(name);
  }

  defineInput(value: BoltValue, type: ElementType, shape: Shape): void {
    const plain = this.builder.input(this.nameOf(value), type, shape);
    this.#bound.add(plain);
    this.#values.set(value, { plain, quantized: undefined });
  }

  define(value: BoltValue, plain: OnnxValue): void {
    this.#values.set(value, { plain: this.#bind(value, plain), quantized: undefined });
  }

  defineQuantized(value: BoltValue, quantized: Quantized): void {
    this.#values.set(value, { plain: undefined, quantized });
  }

  /** The value as float (or as the integers it holds). */
  plain(value: BoltValue): OnnxValue {
    const raised = this.#get(value);
    raised.plain ??= this.#bind(value, dequantize(this.builder, raised.quantized!, `${this.nameOf(value)}/float`));
    return raised.plain;
  }

  /** The value as int8; quantized here, with `scale` or by its own magnitude, where its producer did not. */
  quantized(value: BoltValue, scale: number | undefined): Quantized {
    const raised = this.#get(value);
    raised.quantized ??= quantize(this.builder, raised.plain!, {
      name: `${this.nameOf(value)}/int8`,
      scale,
      nonNegative: this.nonNegative.has(value),
    });
    return raised.quantized;
  }

  alreadyQuantized(value: BoltValue): Quantized | undefined {
    return this.#values.get(value)?.quantized;
  }

  nameOf(value: BoltValue): string {
    return this.#names.get(value) ?? value.name;
  }

  #get(value: BoltValue): RaisedValue {
    const raised = this.#values.get(value);
    if (raised !== undefined) return raised;
    throw new BoltqError("invalid-graph", "it is read, but nothing produces it", {
      subject: `tensor "${value.name}"`,
      remedy: "An operator is missing from the file: convert the original model again, with this X2bolt",
    });
  }

  /** Gives `plain` the value's name; what has a name already is passed through an Identity. */
  #bind(value: BoltValue, plain: OnnxValue): OnnxValue {
    const name = this.nameOf(value);
    const free = plain.producer !== undefined && !this.#bound.has(plain);
    const named = free ? plain : this.builder.add("Identity", [plain], { name: `${name}/identity` });
    named.name = name;
    this.#bound.add(named);
    return named;
  }
}

/** One node that is being raised: what its family's function reads and where it puts the results. */
export class RaiseContext extends OperatorParts {
  readonly node: BoltNode;
  readonly state: RaiseState;
  /** Set while a node that keeps its input's int8 numbers is raised on these numbers. */
  readonly #quantized: Quantized | undefined;

  constructor(state: RaiseState, node: BoltNode, quantized?: Quantized) {
    super(state.builder, node.name);
    this.state = state;
    this.node = node;
    this.#quantized = quantized;
  }

  get parameters(): Parameters {
    return this.node.data.parameters;
  }

  get record(): BoltWeight | undefined {
    return this.state.model.weights.of(this.node);
  }

  get inputCount(): number {
    return this.node.inputs.length;
  }

  /** Throws `format` when the node has no weight. */
  get weight(): BoltWeight {
    return this.record ?? this.fail("format", "its weight is missing");
  }

  input(index = 0): OnnxValue {
    if (this.#quantized !== undefined && index === 0) return this.#quantized.levels;
    return this.state.plain(this.node.input(index));
  }

  inputs(): OnnxValue[] {
    return this.node.inputs.map((_, index) => this.input(index));
  }

  /** Puts the results where other operators read them. */
  define(raised: Raised): void {
    const values = "length" in raised ? raised : [raised];
    this.node.outputs.forEach((output, index) => {
      const value = values[index] ?? this.fail("unsupported", `its output ${index} cannot be computed`);
      if (this.#quantized === undefined) this.state.define(output, value);
      else this.state.defineQuantized(output, { ...this.#quantized, levels: value });
    });
  }

  /** The shape of a value. Throws `unsupported` when its rank is unknown. */
  shapeOf(value: OnnxValue): Shape {
    return value.type?.shape ?? this.fail("unsupported", "the shape of its input is not known before it runs");
  }

  /** The shape of a value. Throws `unsupported` when a dimension is unknown. */
  staticShapeOf(value: OnnxValue): readonly number[] {
    const shape = this.shapeOf(value);
    return isStatic(shape) ? shape : this.fail("unsupported", "the shape of its input is not known before it runs");
  }

  /** `value` as `type`, converted if it is another. */
  override cast(value: OnnxValue, type: ElementType, suffix = "cast"): OnnxValue {
    return value.type?.type === type ? value : super.cast(value, type, suffix);
  }

  fail(code: "unsupported" | "format" | "invalid-graph", problem: string): never {
    throw new BoltqError(code, problem, { subject: `operator "${this.node.name}" (${this.node.type})` });
  }
}

/** The outputs of a raised node, in order; those behind the last one that Bolt's node has are dropped. */
export type Raised = OnnxValue | readonly OnnxValue[];

/** Raises one node: reads its inputs, adds what computes its outputs. */
export type Raise = (context: RaiseContext) => Raised | Promise<Raised>;

/** A family of operators, by Bolt's type names. */
export type RaiseTable = Readonly<Record<string, Raise>>;
