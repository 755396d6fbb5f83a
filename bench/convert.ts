/**
 * How long X2bolt takes for ONNX models, as whole processes, next to what the machine needs for the bare minimum: models
 * of 400 MB beside `cp`, growth with the number of operators.
 *
 *   npm run build && npx tsx bench/convert.ts [FOLDER OF THE PROGRAMS, default dist/bin]
 *
 * Runs of all contenders take turns; the least time of each counts, so that other work on the machine disturbs little.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileTarget } from "../src/io/node/file-target.ts";
import { writeWhole } from "../src/io/target.ts";
import type { OnnxModel } from "../src/onnx/model.ts";
import { writeOnnx } from "../src/onnx/write.ts";
import { type Contender, measure, megabytes, print } from "./measure.ts";
import { alternatingModel, productModel } from "./onnx-models.ts";

const LARGE = 4096;
const OPERATORS = [500, 2000, 8000];

const programs = process.argv[2] ?? "dist/bin";
const folder = mkdtempSync(join(tmpdir(), "boltq-bench-"));
try {
  await bench();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function bench(): Promise<void> {
  const bare: Contender = { name: "node -e 0", command: [process.execPath, "-e", "0"] };
  const copy = join(folder, "copy.onnx");
  const gemm = await write("gemm", productModel("Gemm", 6, LARGE));
  const matmul = await write("matmul", productModel("MatMul", 6, LARGE));
  const sizes = measure([
    { name: "cp", command: ["cp", join(folder, "gemm", "gemm.onnx"), copy], makes: [copy] },
    bare,
    convert("Gemm, transB, -i PTQ", gemm, "PTQ"),
    convert("Gemm, transB, -i FP32", gemm, "FP32"),
    convert("Gemm, transB, -i FP16", gemm, "FP16"),
    convert("MatMul, -i PTQ", matmul, "PTQ"),
  ]);
  const [copied, empty] = [sizes.get("cp")!, sizes.get("node -e 0")!];
  print("6 products with 4096 x 4096, 403 MB", sizes, ({ seconds, peakBytes }) => [
    `${(seconds / copied.seconds).toFixed(2)} x cp`,
    `${megabytes(peakBytes - empty.peakBytes)} above bare Node`,
  ]);
  const grown: Contender[] = [];
  for (const count of OPERATORS) {
    const name = `${count} operators`;
    grown.push(convert(name, await write(name, alternatingModel(count)), "PTQ"));
    grown.push(convert(`${name}, not run`, await write(name, alternatingModel(count)), "PTQ", "--no-check"));
  }
  print("Conv 1x1 and Sigmoid in turn, -i PTQ", measure(grown), ({ seconds }) => [
    `${(1000 * (seconds - empty.seconds)).toFixed(0)} ms above bare Node`,
  ]);
}

/** Writes a model into a folder of its own, as X2bolt takes it. Returns its name. */
async function write(name: string, model: OnnxModel): Promise<string> {
  mkdirSync(join(folder, name), { recursive: true });
  const target = fileTarget(join(folder, name, `${name}.onnx`));
  await writeWhole(target, () => writeOnnx(model, target));
  return name;
}

function convert(name: string, model: string, precision: string, ...options: string[]): Contender {
  const words = ["-d", join(folder, model), "-m", model, "-i", precision, ...options];
  return { name, command: [process.execPath, join(programs, "x2bolt.js"), ...words] };
}
