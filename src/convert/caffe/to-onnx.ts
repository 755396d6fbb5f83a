import { BoltqError, placed } from "../../io/error.ts";
import type { OnnxFunction, OnnxModel, OnnxValue } from "../../onnx/model.ts";
import { GraphBuilder } from "../graph-builder.ts";
import { CAFFE_DOMAIN } from "./domain.ts";
import { LayerContext, type LayerTable } from "./layer-context.ts";
import { ACTIVATIONS } from "./layers/activations.ts";
import { ARITHMETIC } from "./layers/arithmetic.ts";
import { CONVOLUTIONS } from "./layers/convolution.ts";
import { DETECTION_OUTPUTS } from "./layers/detection-output.ts";
import { NORMALIZATIONS } from "./layers/normalization.ts";
import { POOLINGS } from "./layers/pooling.ts";
import { PRIOR_BOXES } from "./layers/prior-box.ts";
import { SHAPES } from "./layers/shape.ts";
import { type CaffeInput, type CaffeLayer, type CaffeNet, checkedShape, missing, subjectOf } from "./net.ts";

const LAYERS: LayerTable = {
  ...ACTIVATIONS,
  ...ARITHMETIC,
  ...CONVOLUTIONS,
  ...DETECTION_OUTPUTS,
  ...NORMALIZATIONS,
  ...POOLINGS,
  ...PRIOR_BOXES,
  ...SHAPES,
};

/** Layers that hand on what they read. */
const PASSING: ReadonlySet<string> = new Set(["Dropout", "Split"]);

/** Layers that compute nothing which a user of the net wants. */
const DROPPED = /^(Silence|Accuracy|HDF5Output|(?!SoftmaxWith).*Loss)$/;

/**
 * The net as an ONNX model of the same layer and blob names. A blob that is overwritten later, or that overwrites an
 * input, is called after its layer too. Throws BoltqError: `unsupported` with all layers that ONNX cannot state, `format`
 * with the line of a layer whose sizes or parameters do not fit.
 */
export async function netToOnnx(net: CaffeNet): Promise<OnnxModel> {
  refuseUnknownLayers(net);
  const conversion = new Conversion(net);
  for (const input of net.inputs) conversion.input(input);
  for (const layer of net.layers) await placed({ subject: subjectOf(layer) }, () => conversion.layer(layer));
  return conversion.finish();
}

function refuseUnknownLayers(net: CaffeNet): void {
  const unknown = net.layers.filter(({ type }) => !isKnown(type));
  if (unknown.length === 0) return;
  const list = unknown
    .slice(0, 20)
    .map(({ name, type, text }) => `${type} ("${name}", line ${text.place.line})`)
    .join(", ");
  throw new BoltqError("unsupported", `the net has layers that cannot be converted: ${list}`, {
    remedy: "Take them out of the prototxt, or give the prototxt that is meant for deployment",
  });
}

function isKnown(type: string): boolean {
  return type === "Input" || DROPPED.test(type) || Object.hasOwn(LAYERS, type);
}

class Conversion {
  readonly #builder: GraphBuilder;
  /** The current value of each blob. */
  readonly #values = new Map<string, OnnxValue>();
  /** The layer that gives each blob its last value. */
  readonly #last: ReadonlyMap<string, CaffeLayer>;
  readonly #net: CaffeNet;
  readonly #inputs = new Set<string>();
  readonly #bound = new Set<OnnxValue>();
  readonly #functions: OnnxFunction[] = [];
  /** Layers whose operator bears their name. */
  readonly #named = new Set<string>();

  constructor(net: CaffeNet) {
    this.#net = net;
    this.#builder = new GraphBuilder(net.name);
    const writers = net.layers.filter(({ type }) => !PASSING.has(type));
    this.#last = new Map(writers.flatMap((layer) => layer.tops.map((top) => [top, layer] as const)));
    for (const name of [...net.inputs.map((input) => input.name), ...this.#last.keys()]) this.#builder.reserve(name);
  }

  input({ name, shape }: CaffeInput): void {
    const value = this.#builder.input(name, "float32", checkedShape(shape, `input "${name}"`));
    this.#inputs.add(name);
    this.#bound.add(value);
    this.#values.set(name, value);
  }

  async layer(layer: CaffeLayer): Promise<void> {
    if (layer.type === "Input") return this.#inputLayer(layer);
    if (DROPPED.test(layer.type)) return;
    const context = new LayerContext(layer, this.#inputsOf(layer), this.#builder, this.#functions);
    const result = await LAYERS[layer.type]!(context);
    refuseUnread(context);
    const values = "length" in result ? result : [result];
    this.#nameOperator(values[0], layer);
    layer.tops.forEach((top, index) => {
      const value = values[index] ?? context.fail("format", `it has no value for its top "${top}"`);
      this.#values.set(top, PASSING.has(layer.type) ? value : this.#nameBlob(value, top, layer));
    });
  }

  /** Operators and values of the builder share one set of names, but a layer often has its blob's. */
  #nameOperator(value: OnnxValue | undefined, layer: CaffeLayer): void {
    if (value?.producer === undefined || this.#bound.has(value) || this.#named.has(layer.name)) return;
    this.#named.add(layer.name);
    value.producer.name = layer.name;
  }

  #inputLayer(layer: CaffeLayer): void {
    const shapes = layer.text.message("input_param").messages("shape");
    layer.tops.forEach((name, index) => {
      this.input({ name, shape: (shapes[index] ?? shapes[0])?.integers("dim") ?? [] });
    });
  }

  /** Labels, which only losses read, may be missing. */
  #inputsOf(layer: CaffeLayer): OnnxValue[] {
    const bottoms = layer.type === "SoftmaxWithLoss" ? layer.bottoms.slice(0, 1) : layer.bottoms;
    return bottoms.map((bottom) => this.#values.get(bottom) ?? missing(layer, bottom));
  }

  #nameBlob(value: OnnxValue, top: string, layer: CaffeLayer): OnnxValue {
    const free = !this.#bound.has(value);
    const named = free ? value : this.#builder.add("Identity", [value], { name: `${layer.name}/identity` });
    named.name =
      this.#last.get(top) === layer && !this.#inputs.has(top) ? top : this.#builder.unique(`${top}/${layer.name}`);
    this.#bound.add(named);
    return named;
  }

  finish(): OnnxModel {
    for (const name of this.#outputNames()) {
      const value = this.#values.get(name)!;
      const own = value.name === name || this.#inputs.has(name);
      const output = own ? value : this.#builder.add("Identity", [value], { name: `${name}/output` });
      if (!own) output.name = name;
      this.#builder.output(output);
    }
    const model = this.#builder.finish("");
    model.functions = this.#functions;
    if (this.#functions.length > 0) model.opsets.set(CAFFE_DOMAIN, 1);
    return model;
  }

  /** Tops that no layer reads afterwards, in the order of their names, as Caffe has them; and those that the net names. */
  #outputNames(): string[] {
    const open = new Set<string>();
    for (const layer of this.#net.layers) {
      if (layer.type === "Input") continue;
      for (const bottom of DROPPED.test(layer.type) && layer.type !== "Silence" ? [] : layer.bottoms)
        open.delete(bottom);
      for (const top of layer.tops) if (this.#values.has(top)) open.add(top);
    }
    const named = this.#net.outputs.filter((name) => this.#values.has(name));
    return [...new Set([...open, ...named])].sort();
  }
}

/** What concerns training, the way of computing, or is read elsewhere. */
const IRRELEVANT =
  /^(name|type|bottom|top|param|blobs_lr|weight_decay|include|exclude|phase|loss_weight|propagate_down|blob_share_mode|(weight_|bias_)?filler|engine|dropout_param|loss_param|transform_param)$/;

/** A parameter that nobody asked for may change what the layer means. */
function refuseUnread({ layer }: LayerContext): void {
  const unread = layer.text.unread().filter(({ name }) => !IRRELEVANT.test(name));
  const first = unread[0];
  if (first === undefined) return;
  throw new BoltqError("unsupported", `its parameter "${first.name}" is not known here`, {
    subject: `layer "${layer.name}" (${layer.type}, line ${first.line}, column ${first.column})`,
    remedy: "Take it out of the prototxt if it changes nothing",
  });
}
