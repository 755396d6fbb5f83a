/**
 * How long post_training_quantization takes, as whole processes, next to what the machine needs for the bare minimum:
 * a 400 MB model beside `cp`, growth with the number of operators, start-up beside an empty Node.
 *
 *   npm run build && npx tsx bench/ptq.ts [FOLDER OF THE PROGRAMS, default dist/bin]
 *
 * Runs of all contenders take turns; the least time of each counts, so that other work on the machine disturbs little.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeBolt } from "../src/bolt/write.ts";
import { fileTarget } from "../src/io/node/file-target.ts";
import { writeWhole } from "../src/io/target.ts";
import { alternatingModel, gemmModel } from "./bolt-models.ts";
import { type Contender, measure, megabytes, print } from "./measure.ts";

const OPERATORS = [500, 2000, 8000];

const programs = process.argv[2] ?? "dist/bin";
const folder = mkdtempSync(join(tmpdir(), "boltq-bench-"));
try {
  await bench();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function bench(): Promise<void> {
  const large = join(folder, "gemm_ptq_input.bolt");
  const target = fileTarget(large);
  await writeWhole(target, () => writeBolt(gemmModel(6, 4096), target));
  const sizes = measure([
    { name: "cp", command: ["cp", large, join(folder, "copy.bolt")], makes: [join(folder, "copy.bolt")] },
    { name: "node -e 0", command: [process.execPath, "-e", "0"] },
    quantize("INT8", large, "-i", "INT8"),
    quantize("FP32 -q INT8", large, "-i", "FP32", "-q", "INT8"),
    quantize("FP16", large, "-i", "FP16"),
    quantize("INT4", large, "-i", "INT4"),
  ]);
  const [copy, bare] = [sizes.get("cp")!, sizes.get("node -e 0")!];
  print("6 Gemm of 4096 x 4096, 403 MB", sizes, ({ seconds, peakBytes }) => [
    `${(seconds / copy.seconds).toFixed(2)} x cp`,
    `${megabytes(peakBytes - bare.peakBytes)} above bare Node`,
  ]);

  const grown = measure(await Promise.all(OPERATORS.map(growth)));
  print("Conv 1x1 and Sigmoid in turn, -i INT8", grown, ({ seconds }) => [
    `${(1000 * (seconds - bare.seconds)).toFixed(0)} ms above bare Node`,
  ]);

  const starts = measure([
    { name: "node -e 0", command: [process.execPath, "-e", "0"] },
    { name: "boltq --help", command: [process.execPath, join(programs, "boltq.js"), "--help"] },
    {
      name: "post_training_quantization --help",
      command: [process.execPath, join(programs, "post_training_quantization.js"), "--help"],
    },
  ]);
  const start = starts.get("node -e 0")!;
  print("start", starts, ({ seconds }) => [`${(1000 * (seconds - start.seconds)).toFixed(0)} ms above bare Node`]);
}

async function growth(operators: number): Promise<Contender> {
  const path = join(folder, `grown${operators}_ptq_input.bolt`);
  const target = fileTarget(path);
  await writeWhole(target, () => writeBolt(alternatingModel(operators), target));
  return quantize(`${operators} operators`, path, "-i", "INT8");
}

function quantize(name: string, model: string, ...options: string[]): Contender {
  const program = join(programs, "post_training_quantization.js");
  const output = join(folder, "quantized.bolt");
  return { name, command: [process.execPath, program, "-p", model, "--output", output, ...options], makes: [output] };
}
