import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { writeModel } from "../src/convert/model-file.ts";
import type { BoltPrecision } from "../src/convert/onnx-to-bolt/index.ts";
import { memoryTarget } from "../src/io/target.ts";
import { fileSource, folderExternalData } from "../src/node.ts";
import { convertToBolt } from "../src/quantize/bolt/convert-to-bolt.ts";
import { describeWithShared, sharedPath } from "./shared.ts";

/** What Bolt's X2bolt writes for each precision. */
export const BOLTS_FILES: Readonly<Record<string, BoltPrecision>> = {
  "x2bolt_f32.bolt": "FP32",
  "x2bolt_f16.bolt": "FP16",
  "ptq_input.bolt": "PTQ",
};

/** Tests that each `file` of the operator cases is converted to Bolt's bytes, and refused where Bolt's tool wrote none. */
export function describeAsBolt(title: string, file: string): void {
  describeWithShared(title, () => {
    const root = sharedPath("golden", "bolt_ops");
    const cases = readdirSync(root).filter((name) => existsSync(join(root, name, file)));
    it.each(cases)("%s", async (name) => {
      const path = join(root, name, file);
      const { masks } = JSON.parse(readFileSync(join(root, name, "case.json"), "utf8"));
      for (const [output, precision] of Object.entries(BOLTS_FILES)) {
        const expected = join(root, name, output);
        const options = { externalData: folderExternalData(path), precision, asBolt: true, name: "case" };
        const conversion = convertToBolt(fileSource(path), options);
        if (!existsSync(expected)) {
          await expect(conversion).rejects.toThrow("Bolt's own X2bolt");
          continue;
        }
        const target = memoryTarget();
        await writeModel((await conversion).model, target);
        const bytes = target.result();
        for (const [offset, length] of masks?.[output] ?? []) bytes.fill(0, offset, offset + length);
        expect(Buffer.compare(bytes, readFileSync(expected)), output).toBe(0);
      }
    });
  });
}
