import type { ElementType, Tensor } from "../../graph/tensor.ts";
import { BoltqError, placed } from "../../io/error.ts";
import type { OnnxModel, OnnxValue } from "../../onnx/model.ts";
import { encodedTensor } from "../../onnx/tensor-data.ts";
import { firstShape, Layouts, TO_FIRST } from "../channels-last/layout.ts";
import { GraphBuilder, isStatic } from "../graph-builder.ts";
import { floatTensor, storedTensor } from "./constants.ts";
import { foldDequantize } from "./fold-dequantize.ts";
import { foldSizes } from "./fold-sizes.ts";
import { fuseDilation } from "./fuse-dilation.ts";
import { OperatorContext, type OperatorTable, type TfliteValues } from "./operator-context.ts";
import { ACTIVATIONS } from "./operators/activations.ts";
import { ARITHMETIC } from "./operators/arithmetic.ts";
import { SHAPES } from "./operators/shape.ts";
import { WINDOWS } from "./operators/windows.ts";
import { subjectOf, type TfliteGraph, type TfliteOperator, type TfliteTensor } from "./read.ts";

const OPERATORS: OperatorTable = { ...ACTIVATIONS, ...ARITHMETIC, ...SHAPES, ...WINDOWS };

/**
 * The graph as an ONNX model with the same tensor names. Tensors of four axes have their channels first, those of the
 * interface too. An already quantized model becomes the float model that its weights stand for. Throws BoltqError:
 * `unsupported` with all operators that cannot be converted, `format` where sizes do not fit.
 */
export async function tfliteToOnnx(read: TfliteGraph): Promise<OnnxModel> {
  const graph = await fuseDilation(foldDequantize(read));
  refuseUnknownOperators(graph);
  const conversion = new Conversion(graph);
  for (const input of graph.inputs) conversion.input(input);
  for (const operator of graph.operators)
    await placed({ subject: subjectOf(operator) }, () => conversion.operator(operator));
  return conversion.finish();
}

function refuseUnknownOperators({ operators }: TfliteGraph): void {
  const unknown = operators.filter(({ type }) => !Object.hasOwn(OPERATORS, type));
  if (unknown.length === 0) return;
  const types = [...new Set(unknown.map(({ type }) => type))].sort();
  throw new BoltqError("unsupported", `the model has operators that cannot be converted: ${types.join(", ")}`, {
    remedy: "Convert the original model to ONNX instead",
  });
}

class Conversion implements TfliteValues {
  readonly builder: GraphBuilder;
  readonly layouts: Layouts = new Layouts();
  readonly tensors: readonly TfliteTensor[];
  readonly #graph: TfliteGraph;
  readonly #values = new Map<number, OnnxValue>();
  readonly #names: readonly string[];
  readonly #sizes = new Map<number, readonly number[]>();
  /** Tensors whose name a value bears. */
  readonly #named = new Set<number>();

  constructor(graph: TfliteGraph) {
    this.#graph = graph;
    this.tensors = graph.tensors;
    this.builder = new GraphBuilder(graph.name || "model");
    this.#names = uniqueNames(graph.tensors);
    for (const name of this.#names) this.builder.reserve(name);
  }

  input(index: number): void {
    const tensor = this.tensors[index]!;
    const shape = firstShape(
      tensor.shape.map((size, axis) => (tensor.signature[axis] === -1 && axis === 0 ? 1 : size)),
    );
    this.#values.set(index, this.builder.input(this.#names[index]!, typeOf(tensor), shape));
  }

  value(index: number): OnnxValue {
    const known = this.#values.get(index);
    if (known !== undefined) return known;
    const tensor = this.tensors[index]!;
    if (tensor.data === undefined) {
      throw new BoltqError("format", "it is read before anything computes it", { subject: `tensor "${tensor.name}"` });
    }
    const axes = tensor.shape.length === 4 ? TO_FIRST : undefined;
    const real = typeOf(tensor) === "float32";
    if (!real && axes !== undefined) {
      throw new BoltqError("unsupported", "constant maps of whole numbers cannot be converted", {
        subject: `tensor "${tensor.name}"`,
      });
    }
    const value = this.constant(index, real ? floatTensor(tensor, axes) : storedTensor(tensor));
    this.#values.set(index, value);
    return value;
  }

  constant(index: number, tensor: Tensor): OnnxValue {
    const name = this.#names[index]!;
    const value = this.builder.constant(name, tensor);
    if (!this.#named.has(index)) value.name = name;
    this.#named.add(index);
    return value;
  }

  async operator(operator: TfliteOperator): Promise<void> {
    const context = new OperatorContext(operator, this);
    const sizes = await foldSizes(context);
    if (sizes !== undefined) return this.#defineSizes(operator.outputs[0]!, sizes);
    const result = await OPERATORS[operator.type]!(context);
    const values = "length" in result ? result : [result];
    operator.outputs.forEach((output, index) => {
      const value = values[index] ?? context.fail("unsupported", `its output ${index} cannot be computed`);
      this.#check(context, value, this.tensors[output]!);
      this.#define(output, value);
    });
  }

  folded(index: number): readonly number[] | undefined {
    return this.#sizes.get(index);
  }

  #defineSizes(index: number, sizes: readonly number[]): void {
    const { type, shape } = this.tensors[index]!;
    const stated = shape.length === 0 && sizes.length === 1 ? [] : [sizes.length];
    this.#sizes.set(index, sizes);
    this.#values.set(index, this.constant(index, encodedTensor(type, stated, sizes)));
  }

  /** What is converted must have the size that the file states. */
  #check(context: OperatorContext, value: OnnxValue, { shape, name, signature }: TfliteTensor): void {
    const found = value.type?.shape;
    if (!isStatic(found) || signature.includes(-1)) return;
    const stated = firstShape(shape);
    if (found.join() === stated.join()) return;
    context.fail(
      "format",
      `"${name}" is ${found.join(" x ")} here, but the file states ${stated.join(" x ")} (channels first)`,
    );
  }

  #define(index: number, value: OnnxValue): void {
    const taken = [...this.#graph.inputs, ...this.#graph.outputs].some((other) => this.#values.get(other) === value);
    if (value.producer !== undefined && !taken && value.name.includes(":")) value.name = this.#names[index]!;
    this.#values.set(index, value);
  }

  finish(): OnnxModel {
    for (const index of this.#graph.outputs) {
      const value = this.value(index);
      const name = this.#names[index]!;
      if (value.name === name) {
        this.builder.output(value);
        continue;
      }
      const named = this.builder.add("Identity", [value], { name: `${name}/output` });
      named.name = name;
      this.builder.output(named);
    }
    this.builder.removeUnused();
    return this.builder.finish("");
  }
}

function uniqueNames(tensors: readonly TfliteTensor[]): readonly string[] {
  const taken = new Set<string>();
  return tensors.map(({ name }, index) => {
    const unique = name === "" || taken.has(name) ? `${name || "tensor"}#${index}` : name;
    taken.add(unique);
    return unique;
  });
}

/** Quantized and float16 numbers are real ones here. */
function typeOf({ type, quantization }: TfliteTensor): ElementType {
  const real =
    type === "float16" || type === "float64" || (quantization.scales.length > 0 && /^u?int(4|8|16)$/.test(type));
  return real ? "float32" : type;
}
