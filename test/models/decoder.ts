import type { Dimension, ElementType, Tensor } from "../../src/graph/tensor.ts";
import type { OnnxAttribute, OnnxModel, OnnxValue } from "../../src/onnx/model.ts";
import { floatTensor, integerTensor } from "../../src/onnx/tensor-data.ts";
import { type OnnxOperator, onnxGraph, onnxModel } from "./onnx-model.ts";
import { normalValues } from "./values.ts";

/** A small decoder of random weights. */
export interface DecoderInit {
  /** 13 or above; default 17. */
  readonly opset?: number;
  readonly layers?: number;
  readonly vocabulary?: number;
  /** Numbers that a token is; a multiple of `heads`. */
  readonly width?: number;
  readonly heads?: number;
}

type Input = { readonly type: ElementType; readonly shape: readonly Dimension[] };
type Operators = readonly OnnxOperator[];

/**
 * A GPT-like decoder with a key-value cache: input_ids, attention_mask, position_ids and past_key_values.N.key and .value
 * give logits and present.N.key and .value. Embedding and last product share one table.
 */
export function decoder(init: DecoderInit = {}): OnnxModel {
  const settings = withDefaults(init);
  const model = onnxModel({
    opset: settings.opset,
    inputs: inputsOf(settings),
    constants: { ...table(settings), ...CONSTANTS, ...shapes(settings), ...weights(settings, "") },
    operators: network(settings, "", "past"),
    outputs: outputsOf(settings),
  });
  stateOutputTypes(model.main.graph.outputs, settings);
  return model;
}

/**
 * The same as one file for the first run and those after it: an If of use_cache_branch, whose branches hold the weights of
 * their layers; the embedding lies outside. Without the cache the past is not read.
 */
export function mergedDecoder(init: DecoderInit = {}): OnnxModel {
  const settings = withDefaults(init);
  const outputs = outputsOf(settings);
  const model = onnxModel({
    opset: settings.opset,
    inputs: { ...inputsOf(settings), use_cache_branch: { type: "bool", shape: [1] } },
    constants: { ...table(settings), ...CONSTANTS, ...shapes(settings) },
    operators: [["If", ["use_cache_branch"], outputs]],
    outputs,
  });
  const { graph, initializers } = model.main;
  const outer = new Map([...graph.inputs, ...initializers].map((value) => [value.name, value]));
  const branch = (prefix: string, past: "past" | "none"): OnnxAttribute => {
    const value = onnxGraph(
      {
        constants: weights(settings, prefix),
        operators: network(settings, prefix, past),
        outputs: outputs.map((name) => prefix + name),
      },
      outer,
    );
    stateOutputTypes(value.graph.outputs, settings);
    return { kind: "graph", value };
  };
  const { attributes } = graph.nodes[0]!.data;
  attributes.set("then_branch", branch("then/", "past"));
  attributes.set("else_branch", branch("else/", "none"));
  stateOutputTypes(graph.outputs, settings);
  return model;
}

function stateOutputTypes(outputs: readonly OnnxValue[], { vocabulary, width, heads }: Settings): void {
  outputs.forEach((value, index) => {
    const shape = index === 0 ? ["batch", "sequence", vocabulary] : ["batch", heads, "total", width / heads];
    value.type = { type: "float32", shape };
  });
}

type Settings = Required<DecoderInit>;

function withDefaults({ opset = 17, layers = 2, vocabulary = 96, width = 64, heads = 4 }: DecoderInit): Settings {
  return { opset, layers, vocabulary, width, heads };
}

function inputsOf({ layers, width, heads }: Settings): Record<string, Input> {
  const cache: Input = { type: "float32", shape: ["batch", heads, "past", width / heads] };
  const tokens = (length: string): Input => ({ type: "int64", shape: ["batch", length] });
  return {
    input_ids: tokens("sequence"),
    attention_mask: tokens("total"),
    position_ids: tokens("sequence"),
    ...Object.fromEntries(
      layersOf(layers).flatMap((layer) => [
        [`past_key_values.${layer}.key`, cache],
        [`past_key_values.${layer}.value`, cache],
      ]),
    ),
  };
}

function outputsOf({ layers }: Settings): string[] {
  return ["logits", ...layersOf(layers).flatMap((layer) => [`present.${layer}.key`, `present.${layer}.value`])];
}

const layersOf = (count: number) => Array.from({ length: count }, (_, layer) => layer);

const CONSTANTS: Readonly<Record<string, Tensor>> = {
  zero: integerTensor([], [0]),
  one: integerTensor([], [1]),
  axes_1: integerTensor([1], [1]),
  axes_0_1: integerTensor([2], [0, 1]),
  axes_1_2: integerTensor([2], [1, 2]),
  last_axis: integerTensor([1], [-1]),
  free: floatTensor([], [0]),
  lowest: floatTensor([], [-3.4028234663852886e38]),
  two: floatTensor([], [2]),
  epsilon: floatTensor([], [1e-5]),
};

function shapes({ width, heads }: Settings): Record<string, Tensor> {
  return {
    heads_shape: integerTensor([4], [0, 0, heads, width / heads]),
    joined_shape: integerTensor([3], [0, 0, width]),
    root: floatTensor([], [Math.sqrt(width / heads)]),
  };
}

function table({ vocabulary, width }: Settings): Record<string, Tensor> {
  return { "embed_tokens.weight": scaled([vocabulary, width], 1, 1) };
}

function scaled(shape: readonly [number, number], scale: number, seed: number): Tensor {
  return floatTensor(
    shape,
    normalValues(shape[0] * shape[1], seed).map((value) => value * scale),
  );
}

function weights({ layers, width }: Settings, prefix: string): Record<string, Tensor> {
  const ones = floatTensor([width], new Float32Array(width).fill(1));
  const matrix = (rows: number, columns: number, seed: number) => scaled([rows, columns], 1 / Math.sqrt(rows), seed);
  return Object.fromEntries(
    layersOf(layers)
      .flatMap((layer): [string, Tensor][] => [
        ...["q", "k", "v", "o"].map((part, index): [string, Tensor] => [
          `layers.${layer}.${part}.weight`,
          matrix(width, width, 10 * layer + index + 2),
        ]),
        [`layers.${layer}.up.weight`, matrix(width, 4 * width, 10 * layer + 6)],
        [`layers.${layer}.down.weight`, matrix(4 * width, width, 10 * layer + 7)],
        [`layers.${layer}.norm.weight`, ones],
        [`layers.${layer}.norm_2.weight`, ones],
      ])
      .map(([name, tensor]) => [prefix + name, tensor]),
  );
}

function network({ layers, opset }: Settings, prefix: string, past: "past" | "none"): Operators {
  const at = (name: string) => prefix + name;
  return [
    ["Gather", ["embed_tokens.weight", "input_ids"], at("hidden.0")],
    ...mask(at, past),
    ...layersOf(layers).flatMap((layer) => decoderLayer(at, { layer, past, opset })),
    ["Transpose", ["embed_tokens.weight"], at("lm_head/Transpose"), { perm: [1, 0] }],
    ["MatMul", [at(`hidden.${layers}`), at("lm_head/Transpose")], at("logits")],
  ];
}

type Names = (name: string) => string;

/** A token sees those at its place and before; padding is seen by none. */
function mask(at: Names, past: "past" | "none"): Operators {
  return [
    ["Shape", ["attention_mask"], at("mask/Shape")],
    ["Gather", [at("mask/Shape"), "one"], at("mask/total")],
    ["Shape", ["input_ids"], at("ids/Shape")],
    ["Gather", [at("ids/Shape"), "one"], at("ids/length")],
    ["Sub", past === "past" ? [at("mask/total"), at("ids/length")] : [at("mask/total"), at("mask/total")], at("start")],
    ["Range", [at("start"), at("mask/total"), "one"], at("rows")],
    ["Range", ["zero", at("mask/total"), "one"], at("columns")],
    ["Unsqueeze", [at("rows"), "axes_1"], at("rows/Unsqueeze")],
    ["Greater", [at("columns"), at("rows/Unsqueeze")], at("later")],
    ["Unsqueeze", [at("later"), "axes_0_1"], at("later/Unsqueeze")],
    ["Unsqueeze", ["attention_mask", "axes_1_2"], at("mask/Unsqueeze")],
    ["Equal", [at("mask/Unsqueeze"), "zero"], at("padding")],
    ["Or", [at("later/Unsqueeze"), at("padding")], at("hidden_ones")],
    ["Where", [at("hidden_ones"), "lowest", "free"], at("mask/Where")],
  ];
}

interface LayerInit {
  readonly layer: number;
  readonly past: "past" | "none";
  readonly opset: number;
}

function decoderLayer(at: Names, { layer, past, opset }: LayerInit): Operators {
  const part = (name: string) => at(`layers.${layer}.${name}`);
  const heads = (name: string): Operators => [
    ["MatMul", [part("norm"), part(`${name}.weight`)], part(`${name}/MatMul`)],
    ["Reshape", [part(`${name}/MatMul`), "heads_shape"], part(`${name}/Reshape`)],
    ["Transpose", [part(`${name}/Reshape`)], part(`${name}/Transpose`), { perm: [0, 2, 1, 3] }],
  ];
  const present = (name: "key" | "value", of: string): OnnxOperator =>
    past === "past"
      ? ["Concat", [`past_key_values.${layer}.${name}`, of], at(`present.${layer}.${name}`), { axis: 2 }]
      : ["Identity", [of], at(`present.${layer}.${name}`)];
  return [
    ...rootNorm(part("norm"), at(`hidden.${layer}`), opset),
    ...["q", "k", "v"].flatMap(heads),
    present("key", part("k/Transpose")),
    present("value", part("v/Transpose")),
    ["Transpose", [at(`present.${layer}.key`)], part("key/Transpose"), { perm: [0, 1, 3, 2] }],
    ["MatMul", [part("q/Transpose"), part("key/Transpose")], part("scores")],
    ["Div", [part("scores"), "root"], part("scores/Div")],
    ["Add", [part("scores/Div"), at("mask/Where")], part("scores/Add")],
    ["Softmax", [part("scores/Add")], part("Softmax"), { axis: -1 }],
    ["MatMul", [part("Softmax"), at(`present.${layer}.value`)], part("attention")],
    ["Transpose", [part("attention")], part("attention/Transpose"), { perm: [0, 2, 1, 3] }],
    ["Reshape", [part("attention/Transpose"), "joined_shape"], part("attention/Reshape")],
    ["MatMul", [part("attention/Reshape"), part("o.weight")], part("o/MatMul")],
    ["Add", [part("o/MatMul"), at(`hidden.${layer}`)], part("middle")],
    ...rootNorm(part("norm_2"), part("middle"), opset),
    ["MatMul", [part("norm_2"), part("up.weight")], part("up/MatMul")],
    ["Sigmoid", [part("up/MatMul")], part("Sigmoid")],
    ["Mul", [part("up/MatMul"), part("Sigmoid")], part("silu")],
    ["MatMul", [part("silu"), part("down.weight")], part("down/MatMul")],
    ["Add", [part("down/MatMul"), part("middle")], at(`hidden.${layer + 1}`)],
  ];
}

/** Root mean square normalization, decomposed. From opset 18 on the axes of a mean are an input. */
function rootNorm(name: string, input: string, opset: number): Operators {
  const squares = `${name}/Pow`;
  return [
    ["Pow", [input, "two"], squares],
    opset < 18
      ? ["ReduceMean", [squares], `${name}/ReduceMean`, { axes: [-1] }]
      : ["ReduceMean", [squares, "last_axis"], `${name}/ReduceMean`],
    ["Add", [`${name}/ReduceMean`, "epsilon"], `${name}/Add`],
    ["Sqrt", [`${name}/Add`], `${name}/Sqrt`],
    ["Div", [input, `${name}/Sqrt`], `${name}/Div`],
    ["Mul", [`${name}/Div`, `${name}.weight`], name],
  ];
}
