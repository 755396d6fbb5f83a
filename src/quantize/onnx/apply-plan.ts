import { Value } from "../../graph/graph.ts";
import { elementCount } from "../../graph/tensor.ts";
import { BoltqError } from "../../io/error.ts";
import type { OnnxModel, OnnxNode, OnnxNodeData, OnnxValue } from "../../onnx/model.ts";
import { nodeData } from "../../onnx/node-data.ts";
import { encodedTensor, floatTensor, tensorOf } from "../../onnx/tensor-data.ts";
import { FreshNames } from "../../transform/onnx/fresh-names.ts";
import { addInitializer, dropUnusedInitializers } from "../../transform/onnx/initializers.ts";
import type { BiasPlan, Plan, ValuePlan, WeightPlan } from "../plan.ts";
import { keepFloatOperators } from "./keep-float-operators.ts";
import { dataInputs, weightOf } from "./operator-roles.ts";
import { weightCodes } from "./weight-codes.ts";
import { channelLayout } from "./weight-scales.ts";

/**
 * Puts a plan into the model it was made for: QuantizeLinear and DequantizeLinear around the quantized operators, weights
 * and biases as integers behind a DequantizeLinear. Weights are converted when the model is written.
 */
export function applyPlan(model: OnnxModel, plan: Plan): void {
  new PlanPerformer(model, plan).perform();
}

class PlanPerformer {
  readonly #model: OnnxModel;
  readonly #plan: Plan;
  readonly #names: FreshNames;
  readonly #nodes: ReadonlyMap<string, OnnxNode>;
  readonly #weights = new Map<string, OnnxValue>();

  constructor(model: OnnxModel, plan: Plan) {
    this.#model = model;
    this.#plan = plan;
    this.#names = new FreshNames(model);
    this.#nodes = new Map(model.main.graph.nodes.map((node) => [node.name, node]));
  }

  perform(): void {
    const quantized = new Set(
      this.#plan.operators.flatMap(({ name, precision }) => (precision === "int8" ? [this.#node(name)] : [])),
    );
    const values = this.#values();
    for (const weight of this.#plan.weights) this.#setWeight(weight);
    for (const bias of this.#plan.biases) if (bias.type === "int32") this.#setBias(bias);
    for (const plan of this.#plan.values) {
      const value = values.get(plan.name);
      if (value === undefined) throw foreignPlan(`value "${plan.name}"`);
      if (plan.made) this.#storeMade(value, plan);
      else this.#storeForReaders(value, plan, quantized);
    }
    keepFloatOperators(this.#model, this.#plan);
    dropUnusedInitializers(this.#model);
  }

  #node(name: string): OnnxNode {
    return this.#nodes.get(name) ?? fail(foreignPlan(`operator "${name}"`));
  }

  #values(): Map<string, OnnxValue> {
    const { inputs, nodes } = this.#model.main.graph;
    return new Map([...inputs, ...nodes.flatMap(({ outputs }) => outputs)].map((value) => [value.name, value]));
  }

  /** What its operator gives is stored; the value itself is read back from that, by all its readers. */
  #storeMade(value: OnnxValue, plan: ValuePlan): void {
    const { producer } = value;
    if (producer === undefined) throw foreignPlan(`value "${plan.name}"`);
    const raw = new Value<OnnxNodeData>(this.#names.next(`${value.name}/raw`), { type: value.type });
    producer.setOutputs(producer.outputs.map((output) => (output === value ? raw : output)));
    this.#roundTrip(raw, value, plan, producer);
  }

  /** The value stays; quantized operators read it through a round trip. */
  #storeForReaders(value: OnnxValue, plan: ValuePlan, quantized: ReadonlySet<OnnxNode>): void {
    const readers = value.users.filter((user) => quantized.has(user) && dataInputs(user).includes(value));
    const back = new Value<OnnxNodeData>(this.#names.next(`${value.name}/dequantized`), { type: value.type });
    this.#roundTrip(value, back, plan, value.producer);
    for (const reader of readers) {
      const data = new Set(dataInputs(reader));
      reader.inputs.forEach((input, index) => {
        if (input === value && data.has(input)) reader.setInput(index, back);
      });
    }
  }

  /** QuantizeLinear and DequantizeLinear right behind `producer`, or first of all. */
  #roundTrip(
    from: OnnxValue,
    to: OnnxValue,
    { name, type, scale, zeroPoint }: ValuePlan,
    producer: OnnxNode | undefined,
  ): void {
    const shape = from.type?.shape;
    const codes = new Value<OnnxNodeData>(this.#names.next(`${name}/codes`), { type: { type, shape } });
    const parameters = [
      this.#constant(`${name}/scale`, floatTensor([], [scale])),
      this.#constant(`${name}/zero_point`, encodedTensor(type, [], [zeroPoint])),
    ];
    const quantize = this.#init("QuantizeLinear", name, [from, ...parameters], codes);
    const dequantize = this.#init("DequantizeLinear", name, [codes, ...parameters], to);
    const { graph } = this.#model.main;
    const [first] = graph.nodes;
    const place = producer === undefined ? graph.insertBefore(first!, quantize) : graph.insertAfter(producer, quantize);
    graph.insertAfter(place, dequantize);
  }

  #setWeight({ operator, scales, axis, largest, name, codes, block }: WeightPlan): void {
    const node = this.#node(operator);
    const weight = weightOf(node);
    if (weight?.value.constant === undefined || weight.value.name !== name) throw foreignPlan(`weight "${name}"`);
    if (codes !== undefined && codes.length !== elementCount(weight.value.constant.shape))
      throw foreignPlan(`weight "${name}"`);
    const key = JSON.stringify([name, axis, block, largest, scales, codes === undefined ? "" : operator]);
    const known = this.#weights.get(key);
    const value = known ?? this.#dequantizedWeight(weight.value, { scales, axis, largest, codes, block }, node);
    this.#weights.set(key, value);
    node.setInput(1, value);
  }

  /** A weight that several operators read alike is stored once; its DequantizeLinear stands before the first of them. */
  #dequantizedWeight(
    { name, constant }: OnnxValue,
    plan: Pick<WeightPlan, "scales" | "axis" | "largest"> & {
      readonly codes: Int8Array | undefined;
      readonly block: number | undefined;
    },
    node: OnnxNode,
  ): OnnxValue {
    const { scales, axis, largest, block } = plan;
    const codes =
      plan.codes === undefined
        ? weightCodes(constant!, channelLayout(constant!.shape, axis), scales, largest)
        : tensorOf("int8", constant!.shape, plan.codes);
    const back = new Value<OnnxNodeData>(this.#names.next(`${name}/dequantized`), { type: constant });
    const scaleShape =
      block === undefined ? shapeOf(scales) : constant!.shape.with(axis, constant!.shape[axis]! / block);
    const zeros = scales.map(() => 0);
    const inputs = [
      this.#constant(`${name}/codes`, codes),
      this.#constant(`${name}/scale`, floatTensor(scaleShape, scales)),
      this.#constant(`${name}/zero_point`, encodedTensor("int8", scaleShape, zeros)),
    ];
    const attributes = { axis: scales.length === 1 ? undefined : axis, block_size: block };
    this.#model.main.graph.insertBefore(node, this.#init("DequantizeLinear", name, inputs, back, attributes));
    return back;
  }

  /** An int32 DequantizeLinear takes no zero point: runtimes refuse it. */
  #setBias({ operator, name = `${operator}/bias`, scales, codes }: BiasPlan): void {
    const node = this.#node(operator);
    const back = new Value<OnnxNodeData>(this.#names.next(`${name}/dequantized`), {
      type: { type: "float32", shape: [codes.length] },
    });
    const inputs = [
      this.#constant(`${name}/codes`, encodedTensor("int32", [codes.length], codes)),
      this.#scales(name, scales),
    ];
    const attributes = scales.length === 1 ? {} : { axis: 0 };
    this.#model.main.graph.insertBefore(node, this.#init("DequantizeLinear", name, inputs, back, attributes));
    node.setInputs([node.inputs[0], node.inputs[1], back]);
  }

  #scales(name: string, scales: readonly number[]): OnnxValue {
    return this.#constant(`${name}/scale`, floatTensor(shapeOf(scales), scales));
  }

  #constant(name: string, tensor: Parameters<typeof addInitializer>[2]): OnnxValue {
    return addInitializer(this.#model, this.#names.next(name), tensor);
  }

  #init(
    type: "QuantizeLinear" | "DequantizeLinear",
    name: string,
    inputs: readonly OnnxValue[],
    output: OnnxValue,
    attributes: Parameters<typeof nodeData>[0] = {},
  ): Parameters<OnnxModel["main"]["graph"]["append"]>[0] {
    return { name: this.#names.next(`${name}/${type}`), type, inputs, outputs: [output], data: nodeData(attributes) };
  }
}

function shapeOf(scales: readonly number[]): number[] {
  return scales.length === 1 ? [] : [scales.length];
}

function foreignPlan(subject: string): BoltqError {
  return new BoltqError("mismatch", "the plan was made for another model", { subject });
}

function fail(error: BoltqError): never {
  throw error;
}
