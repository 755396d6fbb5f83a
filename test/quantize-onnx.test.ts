import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { readModel } from "../src/convert/model-file.ts";
import { modelInputs } from "../src/convert/model-inputs.ts";
import { openDataset } from "../src/data/node/open-dataset.ts";
import { preset } from "../src/data/preprocess/specification.ts";
import { compareModels } from "../src/evaluate/compare.ts";
import { memorySource } from "../src/io/bytes.ts";
import { memoryTarget } from "../src/io/target.ts";
import type { OnnxModel, OnnxNode } from "../src/onnx/model.ts";
import { float32Of } from "../src/onnx/tensor-data.ts";
import { writeOnnx } from "../src/onnx/write.ts";
import { type Effort, quantizeOnnx } from "../src/quantize/onnx/quantize-onnx.ts";
import { RECIPES, type Recipe } from "../src/quantize/recipe.ts";
import { runProgram } from "./program.ts";
import { describeWithShared, sharedPath } from "./shared.ts";

const MODELS = [
  { name: "squeezenet", path: "models/squeezenet_v1.1/squeezenet_v1.1.onnx", preprocess: "caffe", effort: "fast" },
  {
    name: "mobilenet",
    path: "models/mobilenet_v1_0.25_224/mobilenet_v1_0.25_224.onnx",
    preprocess: "mobilenet",
    effort: "default",
  },
] as const;

const hasChecker = spawnSync("python3", ["-c", "import onnx"]).status === 0;

async function open(bytes: Uint8Array): Promise<OnnxModel> {
  return (await readModel(memorySource(bytes))) as OnnxModel;
}

async function quantized(
  { path, preprocess }: (typeof MODELS)[number],
  recipe: Recipe,
  effort: Effort,
  limit = 4,
): Promise<Uint8Array> {
  const model = await open(new Uint8Array(readFileSync(sharedPath(path))));
  const dataset = await openDataset(sharedPath("images/imagenet_val"), modelInputs(model), {
    preprocessing: preset(preprocess),
    limit,
  });
  const result = await quantizeOnnx(model, { dataset, recipe, effort });
  const target = memoryTarget();
  await writeOnnx(result.model, target);
  return target.result();
}

describeWithShared("quantizing ONNX models", () => {
  const folder = mkdtempSync(join(tmpdir(), "boltq-quantize-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(MODELS)("keeps what $name says, in a valid file a good deal smaller", async (entry) => {
    const float = new Uint8Array(readFileSync(sharedPath(entry.path)));
    const bytes = await quantized(entry, {}, entry.effort, 12);
    expect(bytes.byteLength).toBeLessThan(0.75 * float.byteLength);
    const [reference, model] = [await open(float), await open(bytes)];
    const data = await openDataset(sharedPath("images/imagenet_val"), modelInputs(reference), {
      preprocessing: preset(entry.preprocess),
      offset: 100,
      limit: 20,
    });
    const { outputs } = await compareModels(reference, model, data.samples(), { timedSamples: 0 });
    expect(outputs[0]!.decibels).toBeGreaterThan(12);
    expect(outputs[0]!.equalArgMax).toBeGreaterThanOrEqual(0.8);
    const file = join(folder, `${entry.name}.onnx`);
    writeFileSync(file, bytes);
    if (hasChecker)
      execFileSync("python3", ["-c", "import onnx,sys; onnx.checker.check_model(sys.argv[1], full_check=True)", file]);
  });

  const isStatic = ({ activations, weights }: Recipe) =>
    [undefined, "uint8", "int8"].includes(activations?.type) && [undefined, "int8"].includes(weights?.type);
  const staticRecipes = Object.keys(RECIPES).filter((name) => isStatic(RECIPES[name]!));

  it.each(staticRecipes)("puts Q/DQ around every operator that the recipe %s quantizes", async (name) => {
    const model = await open(await quantized(MODELS[0], RECIPES[name]!, "fast"));
    const matrix = model.main.graph.nodes.filter((node) => node.type === "Conv" && isDequantized(node, 1));
    expect(matrix.length).toBeGreaterThan(20);
    for (const node of matrix) {
      expect(isDequantized(node, 0), node.name).toBe(true);
      const [input, weight, bias] = await Promise.all([0, 1, 2].map((index) => scalesOf(node, index)));
      expect(bias!.length).toBe(weight!.length);
      expect(bias).toEqual(weight!.map((scale) => Math.fround(input![0]! * scale)));
    }
    for (const node of model.main.graph.nodes.filter(({ type }) => type === "MaxPool")) {
      const after = node.output().users.find(({ type }) => type === "QuantizeLinear");
      if (after === undefined || !isDequantized(node, 0)) continue;
      expect(await float32Of(after.input(1).constant!)).toEqual(await scalesOf(node, 0));
    }
  });

  it("is repeatable, bit for bit", async () => {
    expect(await quantized(MODELS[0], {}, "fast")).toEqual(await quantized(MODELS[0], {}, "fast"));
  });

  it("says what is missing or wrong, and leaves no file behind", () => {
    const model = sharedPath(MODELS[0].path);
    const out = join(folder, "none.onnx");
    writeFileSync(join(folder, "no-model.onnx"), "these are no bytes of a model");
    const calls: readonly (readonly [readonly string[], RegExp])[] = [
      [["quantize", model, "-o", out], /nothing to calibrate with/],
      [["quantize", model, "-o", out, "--data", join(folder, "nowhere")], /nowhere/],
      [["quantize", join(folder, "no-model.onnx"), "-o", out, "--data", folder], /no-model\.onnx/],
      [["quantize", model, "-o", out, "--recipe", "int9", "--data", folder], /no recipe "int9"/],
      [["calibrate", model], /nothing to do with the statistics/],
      [["calibrate", "--merge", join(folder, "no-model.onnx"), "-o", out], /not valid JSON/],
      [["table", "--from-qdq", model, "-o", join(folder, "t.json")], /reads values that were quantized/],
    ];
    for (const [args, message] of calls) {
      const { status, stderr } = runProgram("boltq", ...args);
      expect(status, args.join(" ")).toBeGreaterThan(0);
      expect(stderr).toMatch(message);
      expect(stderr).not.toMatch(/\n\s+at /);
    }
    expect(existsSync(out)).toBe(false);
  });
});

function isDequantized(node: OnnxNode, index: number): boolean {
  return node.inputs[index]?.producer?.type === "DequantizeLinear";
}

async function scalesOf(node: OnnxNode, index: number): Promise<Float32Array> {
  return float32Of(node.input(index).producer!.input(1).constant!);
}
