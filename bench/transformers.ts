/**
 * What all dtypes of transformers.js cost for all-MiniLM-L6-v2: seconds and peak memory, beside ONNX Runtime's quantizers in
 * Python where an interpreter that has them is named.
 *
 *   npx tsx bench/write-minilm.ts FOLDER && npm run build && npx tsx bench/transformers.ts FOLDER [PYTHON]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Contender, measure, print } from "./measure.ts";

const OURS = "boltq --for transformers.js";

const [folder, python] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: npx tsx bench/transformers.ts FOLDER [PYTHON]");
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "transformers-"));
try {
  const model = join(folder, "onnx/model.onnx");
  const ours = ["node", here("../dist/bin/boltq.js"), "quantize", model, "--for", "transformers.js", "-o", scratch];
  const contenders: Contender[] = [{ name: OURS, command: ours }];
  if (python !== undefined) {
    contenders.push({ name: "Python", command: [python, here("transformers-set.py"), model, scratch] });
  }
  const results = measure(contenders);
  const least = results.get(OURS)!.seconds;
  print("all dtypes of all-MiniLM-L6-v2", results, ({ seconds }) => [`${(seconds / least).toFixed(2)} x`]);
} finally {
  rmSync(scratch, { recursive: true });
}
