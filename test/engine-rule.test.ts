import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { denseTensor, denseValues } from "../src/graph/dense-values.ts";
import type { DenseTensor } from "../src/graph/tensor.ts";
import { type QuantizeBoltOptions, quantizeBolt } from "../src/quantize/bolt/quantize.ts";
import { parseScaleTable } from "../src/quantize/parse-scale-table.ts";
import { loadRuntime } from "../src/runtime/load.ts";
import { TensorError } from "../src/runtime/tensor-error.ts";
import { runAsEngine } from "./engine-rule.ts";
import { readArray, readBoltFile, readCase, runCase, storedOutput } from "./golden-case.ts";
import { describeWithShared, sharedPath } from "./shared.ts";

const NET = "smallcnn";
const fileOf = (suffix: string) => sharedPath("golden", "bolt", NET, `${NET}_${suffix}`);

const OPTIONS: Readonly<Record<string, () => QuantizeBoltOptions>> = {
  "in the range of each run": () => ({ inference: "INT8" }),
  "float weights that become int8 on loading": () => ({ inference: "INT8", storage: "NOQUANT" }),
  "a clip that nothing reaches": () => ({ inference: "INT8_FP32", clip: 20 }),
  "a clip that cuts": () => ({ inference: "INT8_FP32", clip: 0.5 }),
  "a static table": () => {
    const path = fileOf("scale_static.json");
    return { inference: "INT8_FP32", scaleTable: parseScaleTable(readFileSync(path, "utf8"), path) };
  },
};

/** Sums that lie between two levels fall to either side by the last bit of float32. */
const LEAST_DECIBELS = 60;

function decibels(exact: DenseTensor, other: DenseTensor): number {
  const error = new TensorError();
  error.add(exact, other);
  return error.summary().decibels;
}

describeWithShared("running a quantized Bolt network", () => {
  const golden = readCase(sharedPath("golden", "bolt_models"), NET, "model.json");
  const [output] = golden.outputs;

  async function ruledAndRun(options: QuantizeBoltOptions): Promise<[DenseTensor, DenseTensor]> {
    const { model } = await quantizeBolt(await readBoltFile(fileOf("ptq_input.bolt")), options);
    const { shape, ...array } = readArray(`${golden.folder}/input.npy`);
    const values = Float32Array.from(denseValues({ shape, ...array }));
    const ruled = await runAsEngine(model, { shape, values });
    const run = await runCase(model, golden, await loadRuntime());
    return [denseTensor("float32", ruled.shape, ruled.values), run.get(output!["name"]!)!];
  }

  it.each(Object.entries(OPTIONS))("gives what the rule of Bolt's engine gives: %s", async (_, options) => {
    const [ruled, run] = await ruledAndRun(options());
    expect(decibels(ruled, run)).toBeGreaterThan(LEAST_DECIBELS);
  });

  it("is judged by a rule that gives what the engine gave", async () => {
    const [ruled] = await ruledAndRun({ inference: "INT8" });
    expect(decibels(storedOutput(golden, output!, "bolt_int8")!, ruled)).toBeGreaterThan(LEAST_DECIBELS);
  });
});
