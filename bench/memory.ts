/**
 * How much memory the commands take on a model that is larger than what they may use: products with square matrices, their
 * weights in a file of their own. Beside bare Node, and for calibrating beside ONNX Runtime alone, which copies the weights.
 *
 *   npm run build && npx tsx bench/memory.ts [GIGABYTES, default 3] [FOLDER OF THE PROGRAMS, default dist/bin]
 *
 * It takes three times as much room in the folder for temporary files.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeModel } from "../src/convert/model-file.ts";
import { writeNpy } from "../src/data/npy.ts";
import { denseTensor } from "../src/graph/dense-values.ts";
import { fileTarget } from "../src/io/node/file-target.ts";
import { type Contender, measure, megabytes, print } from "./measure.ts";
import { productModel } from "./onnx-models.ts";

const SIZE = 4096;
const EXAMPLES = 2;

/** Opens a model by its path and runs it once. */
const RUN_ALONE = `
  const ort = require("onnxruntime-node");
  const options = { intraOpNumThreads: 2, enableMemPattern: false };
  ort.InferenceSession.create(process.argv[1], options).then((session) =>
    session.run({ x0: new ort.Tensor("float32", new Float32Array(${SIZE}), [1, ${SIZE}]) }));`;

const gigabytes = Number(process.argv[2] ?? 3);
const programs = process.argv[3] ?? "dist/bin";
const folder = mkdtempSync(join(tmpdir(), "boltq-bench-"));
const at = (name: string) => join(folder, name);
try {
  await bench();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function bench(): Promise<void> {
  const model = productModel("MatMul", Math.round((gigabytes * 1e9) / (4 * SIZE ** 2)), SIZE);
  const data = { location: () => "net.onnx_data", open: () => fileTarget(at("net.onnx_data")), always: true };
  await writeModel(model, fileTarget(at("net.onnx")), { externalData: data });
  mkdirSync(at("examples"));
  for (let index = 0; index < EXAMPLES; index++)
    writeFileSync(
      at(`examples/${index}.npy`),
      writeNpy(denseTensor("float32", [1, SIZE], new Array<number>(SIZE).fill(index + 1))),
    );
  const calibrate = ["--data", at("examples"), "-o", at("stats.json")];
  const results = measure(
    [
      { name: "node -e 0", command: [process.execPath, "-e", "0"] },
      { name: "ONNX Runtime alone", command: [process.execPath, "-e", RUN_ALONE, at("net.onnx")] },
      boltq("inspect", [], []),
      boltq("calibrate", calibrate, ["stats.json"]),
      boltq("quantize", ["--stats", at("stats.json"), "-o", at("q.onnx")], ["q.onnx"]),
      boltq("convert", [at("net_ptq_input.bolt")], ["net_ptq_input.bolt"]),
      {
        name: "post_training_quantization",
        command: [process.execPath, join(programs, "post_training_quantization.js"), "-p", at("net_ptq_input.bolt")],
        makes: [at("net_int8_q.bolt")],
      },
    ],
    1,
  );
  const [bare, alone] = [results.get("node -e 0")!, results.get("ONNX Runtime alone")!];
  print(`${gigabytes} GB of weights`, results, ({ peakBytes }) => [
    `${megabytes(peakBytes - bare.peakBytes)} above bare Node`,
    `${megabytes(peakBytes - alone.peakBytes)} above ONNX Runtime alone`,
  ]);
}

function boltq(command: string, options: readonly string[], makes: readonly string[]): Contender {
  const words = [process.execPath, join(programs, "boltq.js"), command, at("net.onnx"), ...options];
  return { name: `boltq ${command}`, command: words, makes: makes.map(at) };
}
