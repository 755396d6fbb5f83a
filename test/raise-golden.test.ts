import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { BoltModel } from "../src/bolt/model.ts";
import { readModel } from "../src/convert/model-file.ts";
import { lowerToBolt } from "../src/convert/onnx-to-bolt/index.ts";
import { memorySource } from "../src/io/bytes.ts";
import type { OnnxModel } from "../src/onnx/model.ts";
import { quantizeBolt } from "../src/quantize/bolt/quantize.ts";
import { loadRuntime } from "../src/runtime/load.ts";
import { TensorError } from "../src/runtime/tensor-error.ts";
import { largestDifference, readBoltFile, readCase, runCase, storedOutput } from "./golden-case.ts";
import { describeWithShared, sharedPath } from "./shared.ts";

const CASES = sharedPath("golden", "bolt_ops");
const MODELS = sharedPath("golden", "bolt_models");

/** Operators that Bolt's engine computes with an approximated exp or tanh. */
const APPROXIMATED = new Set(["Sigmoid", "Swish", "Gelu", "TanH", "RNN", "Softplus", "Mish", "Exp", "Elu", "HSigmoid"]);

/** Cases whose outputs are no reference, and why. */
const NO_REFERENCE: Readonly<Record<string, string>> = {
  randomnormal_add: "random numbers",
  randomnormallike_add: "random numbers",
  randomuniform_add: "random numbers",
  randomuniform_shape_add: "random numbers",
};

/** Cases whose int8 outputs are no reference, though they are called plausible, and why. */
const NO_INT8_REFERENCE: Readonly<Record<string, string>> = {
  ...NO_REFERENCE,
  qg16_prelu: "the engine's PReLU reads int8's 16-channel layout as if it were plain",
};

/** Cases that cannot be run, by what the message says. */
const NOT_RUN: Readonly<Record<string, RegExp>> = {
  identity: /no outputs/,
  dropout: /no outputs/,
  noop: /no outputs/,
  batchnorm_2d: /nothing produces it/,
  batchnorm_c5_eps: /nothing produces it/,
  constantofshape_add: /nothing produces it/,
  transpose_021: /nothing produces it/,
  const_to_unsqueeze_reshape3: /input 0 is missing/,
  gru_bf_lbr_bidir: /do not make rows/,
  lstm_init: /initial state/,
  batchnorm_short: /dimensions 4 and 8 do not fit/,
};

const REFERENCES = ["onnxruntime", "opencv", "tflite"];
const INT8_DECIBELS = 30;

describeWithShared("a Bolt model raised to ONNX", () => {
  const names = readdirSync(CASES).filter((name) => existsSync(join(CASES, name, "case.json")));

  it("gives what Bolt's engine gives in float, or what the reference says where the engine is wrong", async () => {
    const runtime = await loadRuntime();
    const wrong: string[] = [];
    for (const name of names) {
      const golden = readCase(CASES, name);
      const path = join(golden.folder, "x2bolt_f32.bolt");
      if (!existsSync(path) || NO_REFERENCE[name] !== undefined) continue;
      const model = await readBoltFile(path);
      if (NOT_RUN[name] !== undefined) {
        await expect(runCase(model, golden, runtime), name).rejects.toThrow(NOT_RUN[name]);
        continue;
      }
      const outputs = await runCase(model, golden, runtime);
      const allowed = isApproximated(model) ? 1e-3 : 1e-4;
      for (const output of golden.outputs) {
        const engine = storedOutput(golden, output, "bolt_f32");
        const references = REFERENCES.map((key) => storedOutput(golden, output, key)).filter(
          (stored) => stored !== undefined,
        );
        if (engine === undefined && references.length === 0) continue;
        const actual = outputs.get(output["name"]!)!;
        const fits =
          largestDifference(actual, engine) <= allowed ||
          references.some((reference) => largestDifference(actual, reference) <= 1e-4);
        if (!fits) wrong.push(`${name} ${output["name"]} ${largestDifference(actual, engine)}`);
      }
    }
    expect(names.length).toBeGreaterThan(400);
    expect(wrong).toEqual([]);
  });

  it("computes int8 layers as Bolt's engine does, where its outputs are plausible and repeatable", async () => {
    const runtime = await loadRuntime();
    const wrong: string[] = [];
    let compared = 0;
    for (const name of names) {
      const golden = readCase(CASES, name);
      const path = join(golden.folder, "int8_q.bolt");
      const usable = golden.plausibleInt8 && !golden.notRepeatable.includes("int8");
      if (!usable || !existsSync(path) || NO_INT8_REFERENCE[name] !== undefined || NOT_RUN[name] !== undefined)
        continue;
      const outputs = await runCase(await readBoltFile(path), golden, runtime);
      for (const output of golden.outputs) {
        const engine = storedOutput(golden, output, "bolt_int8");
        if (engine === undefined) continue;
        const error = new TensorError();
        if (!error.add(engine, outputs.get(output["name"]!)!) && name !== "tfl_dw_mult2")
          wrong.push(`${name}: other size`);
        const { decibels } = error.summary();
        if (decibels < INT8_DECIBELS) wrong.push(`${name} ${output["name"]} ${decibels} dB`);
        compared += 1;
      }
    }
    expect(compared).toBeGreaterThan(200);
    expect(wrong).toEqual([]);
  });

  it("computes SqueezeNet in int8, converted and quantized here, as the engine does", async () => {
    const golden = readCase(MODELS, "squeezenet_v1.1", "model.json");
    const path = sharedPath("models", "squeezenet_v1.1", "squeezenet_v1.1.onnx");
    const original = await readModel(memorySource(new Uint8Array(readFileSync(path)), path));
    const { model } = await lowerToBolt(original as OnnxModel, { precision: "PTQ", name: "squeezenet_v1.1" });
    const quantized = await quantizeBolt(model, { inference: "INT8" });
    const outputs = await runCase(quantized.model, golden, await loadRuntime());
    const error = new TensorError();
    error.add(storedOutput(golden, golden.outputs[0]!, "bolt_int8")!, outputs.get("prob")!);
    expect(error.summary().decibels).toBeGreaterThan(INT8_DECIBELS);
    expect(error.summary().equalArgMax).toBe(1);
  });

  const files = [
    { file: "ptq_input.bolt", stored: "bolt_f32", folder: MODELS },
    { file: "x2bolt_f32.bolt", stored: "bolt_f32", folder: sharedPath("golden", "bolt") },
    { file: "i_INT8__int8_q.bolt", stored: "bolt_int8", folder: sharedPath("golden", "bolt") },
    { file: "i_FP32_q_INT8__f32_q.bolt", stored: "bolt_f32_from_int8_storage", folder: sharedPath("golden", "bolt") },
    { file: "i_INT4__int4_q.bolt", stored: "bolt_int4", folder: sharedPath("golden", "bolt") },
  ];
  for (const name of readdirSync(MODELS)) {
    for (const { file, stored, folder } of files) {
      const path = join(folder, name, file);
      if (!existsSync(path) || name === "ultraface_rfb_320") continue;
      it(`runs the real model ${name} (${file}) as the engine does`, async () => {
        const golden = readCase(MODELS, name, "model.json");
        const model = await readBoltFile(path);
        const outputs = await runCase(model, golden, await loadRuntime());
        for (const output of golden.outputs) {
          const engine = storedOutput(golden, output, stored);
          if (engine === undefined) continue;
          const actual = outputs.get(output["name"]!)!;
          const error = new TensorError();
          error.add(engine, actual);
          expect(error.summary().equalArgMax).toBe(1);
          if (stored === "bolt_f32") {
            expect(largestDifference(actual, engine)).toBeLessThan(isApproximated(model) ? 1e-3 : 1e-4);
          } else expect(error.summary().decibels).toBeGreaterThan(INT8_DECIBELS);
        }
      });
    }
  }
});

function isApproximated(model: BoltModel): boolean {
  return model.graph.nodes.some(({ type, data }) => {
    const fused = data.parameters.has("activation_type") ? data.parameters.value("activation_type") : "NULL";
    return APPROXIMATED.has(type) || ["SIGMOID", "TANH", "SWISH", "GELU"].includes(String(fused));
  });
}
