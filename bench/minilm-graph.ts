import type { Tensor } from "../src/graph/tensor.ts";
import type { OnnxModel } from "../src/onnx/model.ts";
import { floatTensor, integerTensor } from "../src/onnx/tensor-data.ts";
import { type OnnxOperator, onnxModel } from "../test/models/onnx-model.ts";
import { turned } from "./safetensors.ts";

const LAYERS = 6;
const HEADS = 12;
const WIDTH = 384;
const POSITIONS = 512;
const TOKENS = { type: "int64", shape: ["batch_size", "sequence_length"] } as const;

type Operators = readonly OnnxOperator[];

/**
 * The graph of all-MiniLM-L6-v2 as PyTorch's exporter writes a BERT at opset 14: LayerNorm and GELU decomposed, the mask
 * as −3.4e38 added to the scores, the weights of linear layers turned.
 * Inputs input_ids, attention_mask, token_type_ids; output last_hidden_state (batch × sequence × 384).
 */
export async function miniLm(weights: ReadonlyMap<string, Tensor>): Promise<OnnxModel> {
  const constants: Record<string, Tensor> = { ...CONSTANTS };
  for (const [name, tensor] of weights) {
    if (name.startsWith("pooler.")) continue;
    const isLinear = name.startsWith("encoder.") && tensor.shape.length === 2;
    constants[name] = isLinear ? await turned(tensor) : tensor;
  }
  const model = onnxModel({
    opset: 14,
    inputs: { input_ids: TOKENS, attention_mask: TOKENS, token_type_ids: TOKENS },
    constants,
    operators: [
      ...embeddings(),
      ...mask(),
      ...Array.from({ length: LAYERS }, (_, index) => layer(index)).flat(),
      ["Identity", [hidden(LAYERS)], "last_hidden_state"],
    ],
    outputs: ["last_hidden_state"],
  });
  model.main.graph.outputs[0]!.type = { type: "float32", shape: [...TOKENS.shape, WIDTH] };
  return model;
}

const scalar = (value: number) => floatTensor([], [value]);

const CONSTANTS: Readonly<Record<string, Tensor>> = {
  position_ids: integerTensor(
    [1, POSITIONS],
    Array.from({ length: POSITIONS }, (_, index) => index),
  ),
  index_0: integerTensor([1], [0]),
  index_1: integerTensor([1], [1]),
  axes_1_2: integerTensor([2], [1, 2]),
  heads_shape: integerTensor([4], [0, 0, HEADS, WIDTH / HEADS]),
  joined_shape: integerTensor([3], [0, 0, WIDTH]),
  one: scalar(1),
  two: scalar(2),
  half: scalar(0.5),
  root_of_two: scalar(Math.SQRT2),
  root_of_head: scalar(Math.sqrt(WIDTH / HEADS)),
  epsilon: scalar(1e-12),
  lowest: scalar(-3.4028234663852886e38),
};

const hidden = (index: number) =>
  index === 0 ? "/embeddings/LayerNorm/Add_1" : `/encoder/layer.${index - 1}/output/LayerNorm/Add_1`;

function embeddings(): Operators {
  const at = "/embeddings";
  return [
    ["Gather", ["embeddings.word_embeddings.weight", "input_ids"], `${at}/word_embeddings/Gather`],
    ["Gather", ["embeddings.token_type_embeddings.weight", "token_type_ids"], `${at}/token_type_embeddings/Gather`],
    ["Add", [`${at}/word_embeddings/Gather`, `${at}/token_type_embeddings/Gather`], `${at}/Add`],
    ["Shape", ["input_ids"], `${at}/Shape`],
    ["Gather", [`${at}/Shape`, "index_1"], `${at}/Gather`],
    ["Slice", ["position_ids", "index_0", `${at}/Gather`, "index_1"], `${at}/Slice`],
    ["Gather", ["embeddings.position_embeddings.weight", `${at}/Slice`], `${at}/position_embeddings/Gather`],
    ["Add", [`${at}/Add`, `${at}/position_embeddings/Gather`], `${at}/Add_1`],
    ...layerNorm(`${at}/LayerNorm`, `${at}/Add_1`),
  ];
}

/** 0 where a token is, the lowest float32 where padding is. */
function mask(): Operators {
  return [
    ["Unsqueeze", ["attention_mask", "axes_1_2"], "/Unsqueeze"],
    ["Cast", ["/Unsqueeze"], "/Cast", { to: FLOAT }],
    ["Sub", ["one", "/Cast"], "/Sub"],
    ["Mul", ["/Sub", "lowest"], "/Mul"],
  ];
}

const FLOAT = 1;

function layer(index: number): Operators {
  const at = `/encoder/layer.${index}`;
  const self = `${at}/attention/self`;
  const input = hidden(index);
  return [
    ...linear(`${self}/query`, input),
    ...linear(`${self}/key`, input),
    ...linear(`${self}/value`, input),
    ...heads(self, "query", [0, 2, 1, 3]),
    ...heads(self, "key", [0, 2, 3, 1]),
    ...heads(self, "value", [0, 2, 1, 3]),
    ["MatMul", [`${self}/query/Transpose`, `${self}/key/Transpose`], `${self}/MatMul`],
    ["Div", [`${self}/MatMul`, "root_of_head"], `${self}/Div`],
    ["Add", [`${self}/Div`, "/Mul"], `${self}/Add`],
    ["Softmax", [`${self}/Add`], `${self}/Softmax`, { axis: -1 }],
    ["MatMul", [`${self}/Softmax`, `${self}/value/Transpose`], `${self}/MatMul_1`],
    ["Transpose", [`${self}/MatMul_1`], `${self}/Transpose`, { perm: [0, 2, 1, 3] }],
    ["Reshape", [`${self}/Transpose`, "joined_shape"], `${self}/Reshape`],
    ...linear(`${at}/attention/output/dense`, `${self}/Reshape`),
    ["Add", [`${at}/attention/output/dense/Add`, input], `${at}/attention/output/Add`],
    ...layerNorm(`${at}/attention/output/LayerNorm`, `${at}/attention/output/Add`),
    ...linear(`${at}/intermediate/dense`, `${at}/attention/output/LayerNorm/Add_1`),
    ...gelu(`${at}/intermediate/intermediate_act_fn`, `${at}/intermediate/dense/Add`),
    ...linear(`${at}/output/dense`, `${at}/intermediate/intermediate_act_fn/Mul_1`),
    ["Add", [`${at}/output/dense/Add`, `${at}/attention/output/LayerNorm/Add_1`], `${at}/output/Add`],
    ...layerNorm(`${at}/output/LayerNorm`, `${at}/output/Add`),
  ];
}

function linear(at: string, input: string): Operators {
  const weight = at.slice(1).replaceAll("/", ".");
  return [
    ["MatMul", [input, `${weight}.weight`], `${at}/MatMul`],
    ["Add", [`${weight}.bias`, `${at}/MatMul`], `${at}/Add`],
  ];
}

function heads(self: string, part: string, perm: readonly number[]): Operators {
  return [
    ["Reshape", [`${self}/${part}/Add`, "heads_shape"], `${self}/${part}/Reshape`],
    ["Transpose", [`${self}/${part}/Reshape`], `${self}/${part}/Transpose`, { perm }],
  ];
}

function layerNorm(at: string, input: string): Operators {
  const parameters = at.slice(1).replaceAll("/", ".");
  return [
    ["ReduceMean", [input], `${at}/ReduceMean`, { axes: [-1] }],
    ["Sub", [input, `${at}/ReduceMean`], `${at}/Sub`],
    ["Pow", [`${at}/Sub`, "two"], `${at}/Pow`],
    ["ReduceMean", [`${at}/Pow`], `${at}/ReduceMean_1`, { axes: [-1] }],
    ["Add", [`${at}/ReduceMean_1`, "epsilon"], `${at}/Add`],
    ["Sqrt", [`${at}/Add`], `${at}/Sqrt`],
    ["Div", [`${at}/Sub`, `${at}/Sqrt`], `${at}/Div`],
    ["Mul", [`${at}/Div`, `${parameters}.weight`], `${at}/Mul`],
    ["Add", [`${at}/Mul`, `${parameters}.bias`], `${at}/Add_1`],
  ];
}

function gelu(at: string, input: string): Operators {
  return [
    ["Div", [input, "root_of_two"], `${at}/Div`],
    ["Erf", [`${at}/Div`], `${at}/Erf`],
    ["Add", [`${at}/Erf`, "one"], `${at}/Add`],
    ["Mul", [input, `${at}/Add`], `${at}/Mul`],
    ["Mul", [`${at}/Mul`, "half"], `${at}/Mul_1`],
  ];
}
