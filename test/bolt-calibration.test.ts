import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { readBolt } from "../src/bolt/read.ts";
import { modelInputs } from "../src/convert/model-inputs.ts";
import type { Dataset, Sample } from "../src/data/dataset.ts";
import { openDataset } from "../src/data/node/open-dataset.ts";
import { parsePreprocessing } from "../src/data/preprocess/specification.ts";
import { memorySource } from "../src/io/bytes.ts";
import { calibrateAsBolt } from "../src/quantize/bolt/calibrate-as-bolt.ts";
import { describeWithShared, sharedPath } from "./shared.ts";

const GOLDEN = "golden/bolt_v1.3_calibration";

interface GoldenRun {
  readonly args: readonly string[];
  readonly scales: Readonly<Record<string, { readonly scale: readonly number[] }>>;
}

/** The examples in another order. */
async function inOrder(dataset: Dataset, names: readonly string[]): Promise<Dataset> {
  const samples = new Map<string, Sample>();
  for await (const sample of dataset.samples()) samples.set(sample.name, sample);
  return {
    length: names.length,
    names,
    async *samples() {
      for (const name of names) yield samples.get(name)!;
    },
  };
}

describeWithShared("calibration as Bolt 1.3.0 does it", () => {
  it.each(["fcconv", "matmulnet", "mlpchain"])("finds the scales of %s", async (net) => {
    const runs = JSON.parse(readFileSync(sharedPath(`${GOLDEN}/${net}/calibration.json`), "utf8")) as Record<
      string,
      GoldenRun
    >;
    const bytes = new Uint8Array(readFileSync(sharedPath(`${GOLDEN}/${net}/${net}_ptq_input.bolt`)));
    const open = () => readBolt(memorySource(bytes));
    const inputs = modelInputs(await open());
    const order = JSON.parse(readFileSync(sharedPath(`${GOLDEN}/data/jpg16.json`), "utf8")).order;
    for (const [title, { args, scales }] of Object.entries(runs)) {
      const given = (option: string) => args[args.indexOf(option) + 1];
      const images = given("-d") === "jpg16";
      const preprocessing = parsePreprocessing(
        JSON.stringify(images ? { bolt: given("-f"), scale: [Number(given("-m"))] } : {}),
        title,
      );
      const data = await openDataset(sharedPath(`${GOLDEN}/data/${images ? "jpg16" : `${given("-d")}.npy`}`), inputs, {
        preprocessing,
      });
      const dataset = images ? await inOrder(data, order) : data;
      const { model } = await calibrateAsBolt(await open(), dataset, { inference: "INT8_FP32" });
      const tolerance = title === "txt110late" ? 2 / 1000 : 1e-5;
      for (const node of model.graph.nodes) {
        const golden = scales[node.name]!.scale;
        const found = node.data.scales.flatMap((slot) => [...slot]);
        expect(found.length, `${title} ${node.name}`).toBe(golden.length);
        found.forEach((scale, index) => {
          const difference = Math.abs(scale - golden[index]!);
          expect(difference, `${title} ${node.name}: ${scale}`).toBeLessThanOrEqual(
            tolerance * Math.abs(golden[index]!),
          );
        });
      }
    }
  });
});
