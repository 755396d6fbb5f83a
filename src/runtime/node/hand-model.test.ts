import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { onnxModel } from "../../../test/models/onnx-model.ts";
import { largestDifference, outputsOf } from "../../../test/models/run.ts";
import { normalTensor } from "../../../test/models/values.ts";
import { memoryTarget } from "../../io/target.ts";
import { openModelFile } from "../../node.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import { writeOnnx } from "../../onnx/write.ts";
import { handModel } from "./hand-model.ts";

const NODE = { placement: "node-worker" } as const;
/** A matrix of 64 × 64. */
const MATRIX_BYTES = 2 ** 14;

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "boltq-hand-"));
  const model = onnxModel({
    inputs: { x: [2, 64] },
    constants: { w: normalTensor([64, 64]) },
    operators: [
      ["MatMul", ["x", "w"], "m"],
      ["MatMul", ["m", "w"], "y"],
    ],
    outputs: ["y"],
  });
  const [file, data] = [memoryTarget(), memoryTarget()];
  await writeOnnx(model, file, { externalData: { location: () => "weights", open: () => data } });
  writeFileSync(join(folder, "net.onnx"), file.result());
  writeFileSync(join(folder, "weights"), data.result());
});
afterAll(() => rmSync(folder, { recursive: true }));

const open = async () => (await openModelFile(join(folder, "net.onnx"))) as OnnxModel;
const isTemporary = (name: string) => name.startsWith(".boltq-");

it("hands over a large model as a file that names its weights where they lie", async () => {
  const handed = await handModel(await open(), NODE, 0);
  const made = readdirSync(folder).filter(isTemporary);
  expect(made).toHaveLength(1);
  expect(handed.model).toEqual({ path: join(folder, made[0]!) });
  expect(statSync(join(folder, made[0]!)).size).toBeLessThan(1000);
  expect(handed.length).toBeGreaterThan(MATRIX_BYTES);
  const again = (await openModelFile(join(folder, made[0]!))) as OnnxModel;
  expect(largestDifference(await outputsOf(again), await outputsOf(await open()))).toBe(0);
  handed.release();
  handed.release();
  expect(readdirSync(folder)).toEqual(["net.onnx", "weights"]);
});

it("writes weights that lie nowhere as they are to a file of their own, and removes that too", async () => {
  const model = await open();
  const [weight] = model.main.initializers;
  weight!.constant = normalTensor([64, 64], 5);
  const expected = await outputsOf(model);
  model.main.initializers.push(...(await open()).main.initializers.map((other) => Object.assign(other, { name: "v" })));
  const handed = await handModel(model, NODE, 0);
  const made = readdirSync(folder).filter(isTemporary);
  expect(made.map((name) => statSync(join(folder, name)).size >= MATRIX_BYTES).sort()).toEqual([false, true]);
  const again = (await openModelFile((handed.model as { path: string }).path)) as OnnxModel;
  expect(largestDifference(await outputsOf(again), expected)).toBe(0);
  handed.release();
  expect(readdirSync(folder)).toEqual(["net.onnx", "weights"]);
});

it("hands over small models, and those for other runtimes, in memory", async () => {
  for (const handed of [await handModel(await open(), NODE), await handModel(await open(), { placement: "direct" }, 0)])
    expect((handed.model as Uint8Array).byteLength).toBe(handed.length);
  expect(readdirSync(folder)).toEqual(["net.onnx", "weights"]);
});
