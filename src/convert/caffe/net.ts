import { elementCount, type Tensor } from "../../graph/tensor.ts";
import type { Source } from "../../io/bytes.ts";
import { BoltqError } from "../../io/error.ts";
import { TextMessage } from "../../io/protobuf-text.ts";
import type { BlobTable } from "./blobs.ts";
import { PHASES } from "./enumerations.ts";

/** A network as its prototxt describes it for inference, with the blobs of its caffemodel. */
export interface CaffeNet {
  readonly name: string;
  /** The prototxt, for messages. */
  readonly file: string;
  /** Inputs that the net states outside of layers, as old files do. */
  readonly inputs: readonly CaffeInput[];
  /** What the net calls its outputs beside the tops that nothing reads; Bolt's own addition. */
  readonly outputs: readonly string[];
  readonly layers: readonly CaffeLayer[];
}

export interface CaffeInput {
  readonly name: string;
  readonly shape: readonly number[];
}

export interface CaffeLayer {
  readonly name: string;
  /** The type's name of today, also where the file has an old number-like word. */
  readonly type: string;
  readonly bottoms: readonly string[];
  readonly tops: readonly string[];
  /** The whole layer as written. */
  readonly text: TextMessage;
  /** Learned numbers, still in the file. */
  readonly blobs: readonly Tensor[];
}

/** A layer, for messages. */
export function subjectOf({ name, type, text }: CaffeLayer): string {
  return `layer "${name}" (${type}, line ${text.place.line})`;
}

/** Says that nothing gives what a layer reads. */
export function missing(layer: CaffeLayer, bottom: string): never {
  throw new BoltqError("format", `no layer before it gives "${bottom}"`, {
    subject: subjectOf(layer),
    remedy: "Give the prototxt that is meant for deployment: that of training gets its data elsewhere",
  });
}

/** Types of old files (V1LayerParameter) whose name of today is not the same word in other letters. */
const OLD_TYPES: Readonly<Record<string, string>> = {
  ABSVAL: "AbsVal",
  ARGMAX: "ArgMax",
  BNLL: "BNLL",
  HDF5_DATA: "HDF5Data",
  HDF5_OUTPUT: "HDF5Output",
  IM2COL: "Im2col",
  LRN: "LRN",
  MVN: "MVN",
  RELU: "ReLU",
  PRELU: "PReLU",
  SOFTMAX_LOSS: "SoftmaxWithLoss",
  TANH: "TanH",
};

/** INNER_PRODUCT is InnerProduct. */
function typeOfToday(word: string): string {
  if (Object.hasOwn(OLD_TYPES, word)) return OLD_TYPES[word]!;
  return word.toLowerCase().replace(/(^|_)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
}

/** Longest description that is read: the largest real ones have less than 1 MB. */
const MOST_TEXT_BYTES = 1 << 26;

/** The text of a prototxt, taken apart. Throws BoltqError `format` with line and column. */
export async function readDescription(source: Source): Promise<TextMessage> {
  if (source.length > MOST_TEXT_BYTES)
    throw new BoltqError("limit", `a description of ${source.length} bytes is too long`, { file: source.name });
  return TextMessage.parse(new TextDecoder().decode(await source.read()));
}

/** The net of a description. Layers that are for training alone are left out. */
export function netOf(text: TextMessage, blobs: BlobTable, file: string): CaffeNet {
  const layers = [
    ...text.messages("layers").map((layer) => layerOf(layer, typeOfToday(layer.word("type", "NONE")), blobs)),
    ...text.messages("layer").map((layer) => layerOf(layer, layer.text("type"), blobs)),
  ];
  if (layers.length === 0) {
    throw new BoltqError("format", "this description of a Caffe net has no layers", {
      remedy: "Give the prototxt of the net, not that of the solver",
    });
  }
  return {
    name: text.text("name"),
    file,
    inputs: inputsOf(text),
    outputs: text.texts("output"),
    layers: layers.filter(({ text: layer }) => runsInTest(layer)),
  };
}

function layerOf(text: TextMessage, type: string, blobs: BlobTable): CaffeLayer {
  const name = text.text("name");
  return { name, type, bottoms: text.texts("bottom"), tops: text.texts("top"), text, blobs: blobs.of(name) };
}

/** Sizes stand as one shape an input, or as four numbers an input. */
function inputsOf(text: TextMessage): CaffeInput[] {
  const shapes = text.messages("input_shape").map((shape) => shape.integers("dim"));
  const sizes = text.integers("input_dim");
  return text.texts("input").map((name, index) => {
    const shape = shapes[index] ?? sizes.slice(4 * index, 4 * index + 4);
    return { name, shape: checkedShape(shape, `input "${name}"`) };
  });
}

/** A shape that a description states. Throws `format` for what is none. */
export function checkedShape(shape: readonly number[], subject: string): readonly number[] {
  const valid = shape.length > 0 && shape.every((size) => size > 0) && Number.isSafeInteger(elementCount(shape));
  if (valid) return shape;
  throw new BoltqError("format", `[${shape.join(", ")}] is no valid shape`, { subject });
}

/** Whether the rules of a layer let it in when the net is used: phase TEST, level 0, no stage. */
function runsInTest(layer: TextMessage): boolean {
  const included = layer.messages("include");
  const excluded = layer.messages("exclude");
  if (included.length > 0) return included.some(holdsInTest);
  return !excluded.some(holdsInTest);
}

function holdsInTest(rule: TextMessage): boolean {
  const phase = rule.word("phase", "TEST", PHASES);
  const level = rule.integer("min_level", 0) <= 0 && rule.integer("max_level", 0) >= 0;
  rule.texts("not_stage");
  return phase === "TEST" && level && rule.texts("stage").length === 0;
}
