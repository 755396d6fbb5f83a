import { createRequire } from "node:module";
import { expect, it } from "vitest";
import { decoder, mergedDecoder } from "../../../test/models/decoder.ts";
import { normalInput } from "../../../test/models/values.ts";
import { withTokenInputs } from "../../data/tokens/token-inputs.ts";
import { denseTensor } from "../../graph/dense-values.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import { encodeOnnx } from "../../onnx/write.ts";
import { loadRuntime } from "../../runtime/load.ts";
import type { NamedTensors, Runtime } from "../../runtime/runtime.ts";
import { runtimeOf } from "../../runtime/runtime-of.ts";
import { TensorError } from "../../runtime/tensor-error.ts";
import { recipeNamed } from "../recipe.ts";
import { quantizeOnnx } from "./quantize-onnx.ts";
import { parseDtypes, TRANSFORMERS_DTYPES, type TransformersDtype } from "./transformers-dtypes.ts";

/** The package as Node loads it: the test's own loader does not take its WebAssembly. */
const requireModule = createRequire(import.meta.url);

const MAKERS = { decoder, merged: mergedDecoder };

/** What the bits allow, in dB of the scores: rounding to n bits gives about 6 a bit. */
const LEAST_DECIBELS: Readonly<Record<TransformersDtype, number>> = {
  fp16: 45,
  q8: 25,
  int8: 25,
  uint8: 25,
  q4: 12,
  q4f16: 12,
  bnb4: 12,
};

const PAST = 5;
const IDS = [5, 8, 1, 90];

/** A step with a cache of `PAST` tokens: the other branch of an If than an empty one takes. */
function feedsOf({ main: { graph } }: OnnxModel): NamedTensors {
  const given = new Map([
    ["input_ids", denseTensor("int64", [1, IDS.length], IDS)],
    ["attention_mask", denseTensor("int64", [1, PAST + IDS.length], new Array(PAST + IDS.length).fill(1))],
    [
      "position_ids",
      denseTensor(
        "int64",
        [1, IDS.length],
        IDS.map((_, index) => PAST + index),
      ),
    ],
    ["use_cache_branch", denseTensor("bool", [1], [1])],
    ...graph.inputs
      .filter(({ name }) => name.startsWith("past_key_values"))
      .map(({ name }, index) => [name, normalInput([1, 4, PAST, 16], index + 1)] as const),
  ]);
  return withTokenInputs(
    given,
    graph.inputs.map(({ name, type }) => ({ name, type })),
  );
}

async function run(model: OnnxModel, runtime: Runtime): Promise<NamedTensors> {
  const session = await runtime.createSession(await encodeOnnx(model), { placement: "direct" });
  try {
    return await session.run(feedsOf(model));
  } finally {
    await session.close();
  }
}

async function quantized(make: () => OnnxModel, dtype: TransformersDtype): Promise<OnnxModel> {
  const recipe = recipeNamed(TRANSFORMERS_DTYPES[dtype].recipe);
  return (await quantizeOnnx(make(), { recipe, target: "transformers.js" })).model;
}

function decibelsOf(expected: NamedTensors, actual: NamedTensors): number {
  const error = new TensorError();
  expect(error.add(expected.get("logits")!, actual.get("logits")!)).toBe(true);
  return error.summary().decibels;
}

const signature = ({ main: { graph } }: OnnxModel) =>
  [...graph.inputs, ...graph.outputs].map(({ name, type }) => [name, type]);

it.each([
  ["decoder", 17],
  ["merged", 13],
  ["merged", 17],
  ["merged", 21],
] as const)("%s of opset %d keeps its interface and its numbers in every dtype", async (kind, opset) => {
  const make = () => MAKERS[kind]({ opset });
  const runtime = await loadRuntime();
  const expected = await run(make(), runtime);
  for (const dtype of parseDtypes(undefined)) {
    const model = await quantized(make, dtype);
    expect(signature(model)).toEqual(signature(make()));
    expect(decibelsOf(expected, await run(model, runtime)), dtype).toBeGreaterThan(LEAST_DECIBELS[dtype]);
  }
});

it("gives in WebAssembly what it gives in Node", async () => {
  const [node, web] = [await loadRuntime(), runtimeOf(requireModule("onnxruntime-web/wasm"))];
  for (const dtype of parseDtypes("fp16,q8,q4")) {
    const model = await quantized(mergedDecoder, dtype);
    expect(decibelsOf(await run(model, node), await run(model, web)), dtype).toBeGreaterThan(LEAST_DECIBELS[dtype] + 6);
  }
});
