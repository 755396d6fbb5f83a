import type { BoltModel } from "../bolt/model.ts";
import type { Source } from "../io/bytes.ts";
import { BoltqError } from "../io/error.ts";
import type { OnnxModel } from "../onnx/model.ts";
import type { ReadOnnxOptions } from "../onnx/read.ts";
import type { ConvertOptions } from "./onnx-to-bolt/index.ts";

/** A model of either dialect; `format` tells which. */
export type Model = BoltModel | OnnxModel;

/** `externalData` opens files beside the model: tensor data of ONNX, the other half of a Caffe model. */
export interface ReadModelOptions extends ReadOnnxOptions {
  /** Sizes of inputs, by name, for formats that need them to be read and models that leave them open. */
  readonly inputShapes?: Readonly<Record<string, readonly number[]>> | undefined;
}

/** A kind of model file. What a page does not name, its bundle need not hold. */
export interface ModelFormat {
  readonly name: string;
  /** Of file names; the first is the usual one. */
  readonly suffixes: readonly string[];
  /** Whether a file that begins with `head` (its first 512 bytes, or all) is of this kind. */
  match(head: Uint8Array): boolean;
  /** The model; weights stay in the source until they are used. Throws BoltqError. */
  read(source: Source, options: ReadModelOptions): Promise<Model>;
  /**
   * The Bolt model that Bolt's own reader makes of the file, before its rewrites: where that is not made of the ONNX
   * model that `read` gives.
   */
  lowerAsBolt?(source: Source, options: ReadModelOptions & ConvertOptions): Promise<BoltModel>;
}

const HEAD_BYTES = 512;

/** The first of `formats` that knows the file by its content. Throws BoltqError `format` where none does. */
export async function formatOf(formats: readonly ModelFormat[], source: Source): Promise<ModelFormat> {
  const names = formats.map(({ name, suffixes }) => `${name} (${suffixes.join(", ")})`).join(", ");
  const remedy = `Give a model of one of the kinds ${names}`;
  if (source.length === 0) throw new BoltqError("format", "the file is empty", { file: source.name, remedy });
  const head = await source.read(0, Math.min(HEAD_BYTES, source.length));
  const format = formats.find((known) => known.match(head));
  if (format !== undefined) return format;
  throw new BoltqError("format", "this is no model of a known kind, or a damaged one", { file: source.name, remedy });
}

/** Reads a model of one of `formats`, telling which by its content. Throws BoltqError `format` for any other. */
export async function readModelAs(
  formats: readonly ModelFormat[],
  source: Source,
  options: ReadModelOptions = {},
): Promise<Model> {
  return (await formatOf(formats, source)).read(source, options);
}
