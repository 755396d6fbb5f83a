import type { OnnxModel, OnnxNode, OnnxValue } from "../../onnx/model.ts";
import { asksForInt8, type Recipe, type StaticSettings, staticSettingsFor } from "../recipe.ts";
import { floatStem } from "./float-stem.ts";
import { biasOf, dataInputs, exceptionOf, isFusedActivation, type Role, roleOf, weightOf } from "./operator-roles.ts";

/** An operator that computes in integers, or an activation that vanishes into the one before it. */
export interface QuantizedOperator {
  readonly role: Role | "fused";
  readonly settings: StaticSettings;
  readonly reason: string;
}

/** Which operators compute in integers and which values are stored in 8 bits; no numbers yet. */
export interface Placement {
  readonly quantized: ReadonlyMap<OnnxNode, QuantizedOperator>;
  /** Why each of the others stays float. */
  readonly float: ReadonlyMap<OnnxNode, string>;
  /** The values that are quantized where they are made, in graph order, each with the settings that it is stored by. */
  readonly values: ReadonlyMap<OnnxValue, StaticSettings>;
  /** Those of them that quantized operators give. */
  readonly made: ReadonlySet<OnnxValue>;
  /** Pairs of values that must have one scale. */
  readonly shared: readonly SharedScale[];
  /** Values that a Concat joins: one scale saves requantizing where their ranges are alike. */
  readonly joined: readonly JoinedScale[];
}

/** Numbers pass from one value to the other unchanged, or cut to `to`'s range where an activation is fused. */
export interface SharedScale {
  readonly from: OnnxValue;
  readonly to: OnnxValue;
  readonly cut: boolean;
}

export interface JoinedScale {
  readonly parts: readonly OnnxValue[];
  readonly whole: OnnxValue;
}

/** Numbers that tell little about what matters: in 8 bits the small probabilities would be lost. */
const NEVER_QUANTIZED: ReadonlySet<string> = new Set(["Softmax", "LogSoftmax"]);

/** Poolings whose result a classifier reads. */
const POOLINGS: ReadonlySet<string> = new Set(["GlobalAveragePool", "AveragePool"]);

/**
 * Decides which operators are quantized. Matrix operators are, as the recipe says; what stands between two of them is
 * where it has an integer kernel; all behind the last stays float, so that the outputs are exact. With `trained`, which tells
 * what was quantized while the model was trained, those values are stored and no others.
 */
export function placeQuantization(
  model: OnnxModel,
  recipe: Recipe,
  { trained }: { trained?: IsTrained } = {},
): Placement {
  return new Placer(model, recipe, trained).place();
}

type IsTrained = (value: OnnxValue) => boolean;

class Placer {
  readonly #nodes: readonly OnnxNode[];
  readonly #outputs: ReadonlySet<OnnxValue>;
  readonly #recipe: Recipe;
  readonly #barred: ReadonlyMap<OnnxNode, string>;
  readonly #trained: IsTrained | undefined;
  readonly #settings = new Map<OnnxNode, StaticSettings>();
  readonly #matrix = new Set<OnnxNode>();
  readonly #leads = new Set<OnnxValue>();
  readonly #quantized = new Map<OnnxNode, QuantizedOperator>();
  readonly #float = new Map<OnnxNode, string>();
  readonly #values = new Map<OnnxValue, StaticSettings>();
  /** Values that quantized operators give, as bytes. */
  readonly #made = new Set<OnnxValue>();
  readonly #shared: SharedScale[] = [];
  readonly #joined: JoinedScale[] = [];

  constructor(model: OnnxModel, recipe: Recipe, trained: IsTrained | undefined) {
    this.#nodes = model.main.graph.nodes;
    this.#outputs = new Set(model.main.graph.outputs);
    this.#recipe = recipe;
    this.#trained = trained;
    const stem = recipe.floatStem === false || trained !== undefined ? [] : [...floatStem(model)];
    this.#barred = new Map(stem.flatMap((node) => (asksForInt8(recipe, node) ? [] : [[node, STEM_REASON]])));
  }

  place(): Placement {
    for (const node of this.#nodes) this.#settings.set(node, staticSettingsFor(this.#recipe, node));
    for (const node of this.#nodes) if (this.#matrixObstacle(node) === undefined) this.#matrix.add(node);
    this.#findLeads();
    if (this.#trained === undefined) this.#keepClassifiersFloat();
    this.#findLeads();
    for (const node of this.#nodes) this.#decide(node);
    this.#storeTrained();
    return {
      quantized: this.#quantized,
      float: this.#float,
      values: this.#values,
      made: this.#made,
      shared: this.#shared,
      joined: this.#joined,
    };
  }

  /** Why a matrix operator is not quantized; other operators have no place here. */
  #matrixObstacle(node: OnnxNode): string | undefined {
    if (roleOf(node) !== "matrix") return exceptionOf(node) ?? "no matrix operator";
    const barred = this.#barred.get(node);
    if (barred !== undefined) return barred;
    if (this.#settings.get(node)!.precision === "float") return RECIPE_REASON;
    if (dataInputs(node).some(isConstant)) return "what it reads is constant";
    if (!this.#areTrained(dataInputs(node))) return UNTRAINED_REASON;
    if (dataInputs(node).some((value) => cameFromSoftmax(value))) return "8 bits would lose the small probabilities";
    return parameterObstacle(node);
  }

  /** The values from which a quantized matrix operator can be reached. */
  #findLeads(): void {
    this.#leads.clear();
    for (const node of this.#nodes.toReversed()) {
      if (this.#matrix.has(node) || node.outputs.some((output) => this.#leads.has(output))) {
        for (const input of node.inputs) if (input !== undefined) this.#leads.add(input);
      }
    }
  }

  /** A last Conv over pooled features costs little in float, and bytes as results would make classes equal. */
  #keepClassifiersFloat(): void {
    for (const node of this.#matrix) {
      if (asksForInt8(this.#recipe, node)) continue;
      if (node.type !== "Conv" || node.outputs.some((output) => this.#leads.has(output))) continue;
      const before = node.inputs[0]?.producer;
      if (before !== undefined && POOLINGS.has(before.type)) {
        this.#matrix.delete(node);
        this.#float.set(node, "the last layer, over pooled features: exact results at little cost");
      }
    }
  }

  #decide(node: OnnxNode): void {
    if (this.#quantized.has(node)) return;
    if (this.#matrix.has(node)) this.#quantizeMatrix(node);
    else {
      const obstacle = this.#supportObstacle(node);
      if (obstacle === undefined) this.#quantizeSupport(node);
      else if (!this.#float.has(node)) this.#float.set(node, obstacle);
    }
  }

  #quantizeMatrix(node: OnnxNode): void {
    const settings = this.#settings.get(node)!;
    this.#quantized.set(node, { role: "matrix", settings, reason: "a matrix operator" });
    for (const input of dataInputs(node)) this.#store(input, settings);
    const end = this.#endOf(node);
    const isStored = node.type === "Conv" || this.#isReadAsBytes(end.value);
    if (this.#trained?.(end.value) ?? isStored) this.#make(node, end, settings);
  }

  #supportObstacle(node: OnnxNode): string | undefined {
    const role = roleOf(node);
    if (role === "matrix") return this.#matrixObstacle(node) ?? "no matrix operator";
    if (role === undefined)
      return exceptionOf(node) ?? "there is no integer kernel for it, or it is more exact in float";
    const barred = this.#barred.get(node);
    if (barred !== undefined) return barred;
    if (this.#settings.get(node)!.precision === "float") return RECIPE_REASON;
    const inputs = dataInputs(node);
    const hasBytes = inputs.some((input) => this.#made.has(input));
    if (!hasBytes || !inputs.every((input) => this.#isStored(input))) return "what it reads is float";
    if (this.#trained !== undefined) return this.#isStoredInTraining(node, role) ? undefined : UNTRAINED_REASON;
    if (!node.outputs.some((output) => this.#leads.has(output))) return "no quantized operator follows: exact results";
    return undefined;
  }

  /**
   * Whether a quantized operator gives it as bytes, or a matrix operator reads it as such: else the first Add of a residual network
   * with a float stem would be float, and all behind it.
   */
  #isStored(value: OnnxValue): boolean {
    return (
      this.#made.has(value) || value.users.some((user) => this.#matrix.has(user) && dataInputs(user).includes(value))
    );
  }

  /** What training rounded behind operators that stay float is rounded there too. */
  #storeTrained(): void {
    for (const node of this.#nodes) {
      const settings = this.#settings.get(node)!;
      if (settings.precision === "float") continue;
      for (const output of node.outputs) {
        if (!this.#trained?.(output) || this.#values.has(output)) continue;
        this.#made.add(output);
        this.#store(output, settings);
      }
    }
  }

  #areTrained(values: readonly OnnxValue[]): boolean {
    return this.#trained === undefined || values.every(this.#trained);
  }

  /** What only moves numbers needs no quantizer of its own. */
  #isStoredInTraining(node: OnnxNode, role: Role): boolean {
    return role === "pass" || this.#areTrained([this.#endOf(node).value]);
  }

  #quantizeSupport(node: OnnxNode): void {
    const role = roleOf(node)!;
    const settings = this.#settings.get(node)!;
    this.#quantized.set(node, { role, settings, reason: SUPPORT_REASONS[role] });
    const inputs = dataInputs(node);
    for (const input of inputs) this.#store(input, settings);
    const source = inputs[0]!;
    const canCut = role !== "pass" || (source.users.length === 1 && !this.#outputs.has(source));
    if (node.outputs.length === 1) {
      const end = canCut ? this.#endOf(node) : { value: node.output(), activation: undefined };
      this.#make(node, end, settings);
      if (role === "pass") this.#shared.push({ from: source, to: end.value, cut: end.activation !== undefined });
      if (role === "join") this.#joined.push({ parts: inputs, whole: end.value });
      return;
    }
    for (const output of node.outputs) {
      this.#make(node, { value: output, activation: undefined }, settings);
      this.#shared.push({ from: source, to: output, cut: false });
    }
  }

  /** Where the result is to be stored: behind the activation that alone reads it, else right away. */
  #endOf(node: OnnxNode): { value: OnnxValue; activation: OnnxNode | undefined } {
    const value = node.output();
    const [reader, ...others] = value.users;
    const fusible =
      reader !== undefined &&
      others.length === 0 &&
      !this.#outputs.has(value) &&
      isFusedActivation(reader) &&
      reader.inputs[0] === value &&
      this.#settings.get(reader)?.precision === "int8" &&
      this.#areTrained([reader.output()]) &&
      reader.inputs.slice(1).every((limit) => limit === undefined || limit.constant !== undefined);
    return fusible ? { value: reader.output(), activation: reader } : { value, activation: undefined };
  }

  #make(
    node: OnnxNode,
    { value, activation }: { value: OnnxValue; activation: OnnxNode | undefined },
    settings: StaticSettings,
  ): void {
    if (activation !== undefined) {
      this.#quantized.set(activation, { role: "fused", settings, reason: `part of "${node.name}" (${node.type})` });
    }
    this.#made.add(value);
    this.#store(value, settings);
  }

  #store(value: OnnxValue, settings: StaticSettings): void {
    if (!this.#values.has(value)) this.#values.set(value, settings);
  }

  /** Gemm and MatMul can also give float: bytes only where all that reads them takes bytes. */
  #isReadAsBytes(value: OnnxValue): boolean {
    if (this.#outputs.has(value) || !this.#leads.has(value)) return false;
    return value.users.every((user) => {
      if (this.#matrix.has(user)) return dataInputs(user).includes(value);
      return roleOf(user) !== undefined && roleOf(user) !== "matrix" && !dataInputs(user).some(isConstant);
    });
  }
}

const STEM_REASON =
  "among the first convolutions, over few channels: float is more exact there and hardly slower, or faster";
const UNTRAINED_REASON = "float in training too";
const RECIPE_REASON = "the recipe says so";

const SUPPORT_REASONS: Readonly<Record<Role, string>> = {
  matrix: "a matrix operator",
  integer: "between quantized operators, with an integer kernel",
  join: "joins quantized values",
  pass: "moves quantized values",
};

function isConstant(value: OnnxValue): boolean {
  return value.constant !== undefined;
}

/** Why its weight or bias cannot be quantized. */
function parameterObstacle(node: OnnxNode): string | undefined {
  const weight = weightOf(node);
  if (weight === undefined) {
    if (node.inputs[1]?.producer?.type === "DequantizeLinear") return "its weight is quantized already";
    return node.type === "MatMul" ? undefined : "its weight is no constant";
  }
  const { type, shape } = weight.value.constant!;
  if (type !== "float32") return `its weight is ${type}`;
  if (shape.length < 2 || shape.some((size) => size === 0)) return "its weight is no matrix";
  const bias = biasOf(node);
  if (bias === undefined) return undefined;
  const channels = shape[weight.axis];
  const plain =
    bias.constant?.type === "float32" && bias.constant.shape.at(-1) === channels && isVector(bias.constant.shape);
  return plain ? undefined : "its bias is no constant float32 vector";
}

function isVector(shape: readonly number[]): boolean {
  return shape.slice(0, -1).every((size) => size === 1);
}

/** Whether the numbers are those of a Softmax, at most moved. */
function cameFromSoftmax(value: OnnxValue): boolean {
  let current: OnnxValue | undefined = value;
  while (current?.producer !== undefined) {
    if (NEVER_QUANTIZED.has(current.producer.type)) return true;
    if (roleOf(current.producer) !== "pass") return false;
    current = current.producer.inputs[0];
  }
  return false;
}
