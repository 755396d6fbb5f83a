import { elementCount, type Tensor } from "../../graph/tensor.ts";
import { BoltqError, type ErrorCode } from "../../io/error.ts";
import type { TextMessage } from "../../io/protobuf-text.ts";
import type { OnnxFunction, OnnxValue } from "../../onnx/model.ts";
import { type GraphBuilder, isStatic } from "../graph-builder.ts";
import { OperatorParts } from "../operator-parts.ts";
import { type CaffeLayer, subjectOf } from "./net.ts";

/** One layer that is being converted: what it reads, and where its ONNX operators go. */
export class LayerContext extends OperatorParts {
  readonly layer: CaffeLayer;
  readonly inputs: readonly OnnxValue[];
  readonly #functions: OnnxFunction[];

  /** `functions` takes up what operators outside of ONNX mean. */
  constructor(layer: CaffeLayer, inputs: readonly OnnxValue[], builder: GraphBuilder, functions: OnnxFunction[]) {
    super(builder, layer.name);
    this.layer = layer;
    this.inputs = inputs;
    this.#functions = functions;
  }

  /** The layer's parameters by the name that caffe.proto gives them; empty where the layer states none. */
  parameters(name: string): TextMessage {
    return this.layer.text.message(name);
  }

  input(index = 0): OnnxValue {
    return this.inputs[index] ?? this.fail("format", `its bottom ${index} is missing`);
  }

  /** Sizes of an input: all are known, as a net states those of its inputs. */
  shape(index = 0): readonly number[] {
    return this.shapeOf(this.input(index));
  }

  shapeOf(value: OnnxValue): readonly number[] {
    const shape = value.type?.shape;
    return isStatic(shape)
      ? shape
      : this.fail("unsupported", "it reads a tensor whose size depends on the input's data");
  }

  /** An axis counted from the first; negative ones count from behind. Throws `format` outside `rank`. */
  axis(axis: number, rank: number): number {
    const place = axis < 0 ? axis + rank : axis;
    return place >= 0 && place < rank ? place : this.fail("format", `there is no axis ${axis} in ${rank} dimensions`);
  }

  /** What `table` has for a word. Throws `unsupported` for any other. */
  chosen<Result>(table: Readonly<Record<string, Result>>, word: string, what: string): Result {
    return Object.hasOwn(table, word)
      ? table[word]!
      : this.fail("unsupported", `the ${what} ${word} cannot be converted`);
  }

  hasBlob(index: number): boolean {
    return this.layer.blobs[index] !== undefined;
  }

  /** A learned blob in the shape that it must have: old files pad shapes with ones. */
  blob(index: number, shape?: readonly number[]): Tensor {
    const blob = this.layer.blobs[index];
    if (blob === undefined) {
      throw new BoltqError("format", `the caffemodel has no blob ${index} for it`, {
        subject: subjectOf(this.layer),
        remedy: "Give the caffemodel that belongs to this prototxt",
      });
    }
    if (shape === undefined) return blob;
    if (elementCount(shape) !== elementCount(blob.shape)) {
      const [found, wanted] = [blob.shape.join(" x "), shape.join(" x ")];
      this.fail("format", `its blob ${index} is ${found}, but the prototxt makes it ${wanted}`);
    }
    return { ...blob, shape };
  }

  /** A blob as constant. */
  constant(index: number, suffix: string, shape?: readonly number[]): OnnxValue {
    return this.builder.constant(`${this.name}/${suffix}`, this.blob(index, shape));
  }

  /** `value` in another shape of as many elements. */
  reshaped(value: OnnxValue, shape: readonly number[], suffix?: string): OnnxValue {
    if (elementCount(shape) !== elementCount(this.shapeOf(value)))
      this.fail("format", `${this.shapeOf(value).join(" x ")} cannot become ${shape.join(" x ")}`);
    const target = this.integers(`${suffix ?? ""}shape`, shape);
    return this.add("Reshape", [value, target], { shape, suffix });
  }

  /** States what the layer's operator, which ONNX lacks, means in operators of ONNX. */
  define(definition: OnnxFunction): void {
    if (this.#functions.some(({ name }) => name === definition.name))
      this.fail("unsupported", "a net with several layers of this type cannot be converted");
    this.#functions.push(definition);
  }

  /** Says that the layer cannot be converted as it is. */
  fail(code: ErrorCode, problem: string): never {
    throw new BoltqError(code, problem, { subject: subjectOf(this.layer) });
  }
}

/** Converts one layer to ONNX: gives its tops, or the first of them. */
export type ConvertLayer = (
  context: LayerContext,
) => OnnxValue | readonly OnnxValue[] | Promise<OnnxValue | readonly OnnxValue[]>;

/** A family of layers by Caffe's type names. */
export type LayerTable = Readonly<Record<string, ConvertLayer>>;
