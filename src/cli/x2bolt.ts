import { join } from "node:path";
import { BOLT_VERSIONS, NEWEST_BOLT_VERSION } from "../bolt/version.ts";
import { writeModel } from "../convert/model-file.ts";
import { BoltqError } from "../io/error.ts";
import { fileSource } from "../io/node/file-source.ts";
import { summarizeModel } from "../report/summary.ts";
import { PRECISION_SUFFIXES, parseBoltVersion, parsePrecision } from "./bolt-options.ts";
import { CommandFiles } from "./command-files.ts";
import { type CheckedConvertOptions, convertChecked } from "./convert-checked.ts";
import { describeModel } from "./describe-model.ts";
import { type ParsedOptions, parsed, parseGetopt } from "./getopt.ts";
import { parseInputShapes } from "./input-shapes.ts";
import { modelArgument, openModel } from "./model-argument.ts";
import { findModel } from "./model-folder.ts";
import { printLines } from "./print.ts";
import { version } from "./version.ts";

const HELP = `X2bolt: converts a trained model to Bolt's format

usage: X2bolt -d DIRECTORY -m NAME [options]

  -d DIRECTORY   where the model is (default: .)
  -m NAME        the model's file name, with or without suffix: NAME.prototxt with
                 NAME.caffemodel, NAME.onnx, NAME.tflite, NAME.pb (TensorFlow, frozen)
                 or NAME.json, which Bolt's tf2json.py makes of it
  -i PRECISION   FP32, FP16 or PTQ (default FP32). PTQ makes the input of post_training_quantization
  -r NUMBER      leave out that many operators at the start of the model (default 0)
  -I NAMES       new names for the inputs, all of them, with commas between
  -O NAMES       new names for the outputs, likewise
  -V             show what the converted model holds
  -B             print the converted model as C source: its length and its bytes
  -v, --version  show the version
  -h, --help     show this help

  --bolt-version VERSION  file version to write: ${BOLT_VERSIONS.filter((known) => known >= 20220126).join(", ")} (default ${NEWEST_BOLT_VERSION})
  --as-bolt      write what Bolt's own X2bolt writes, where that differs from what the model says
  --input-shape NAME=1,3,48,192
                 sizes of an input that the model leaves open (several: --input-shape a=1,2,b=3)
  --keep-layout  leave a Transpose of an input in the network; without it the input is taken transposed
  --check        run the model and the converted one on random input, and write nothing where they differ.
                 This is the default where ONNX Runtime is installed and the weights take less than 200 MB
  --no-check     do not run them
  --explain      print which graph rewrites changed which operators
  --output FILE  where to write (default: DIRECTORY/NAME_f32.bolt, _f16.bolt or _ptq_input.bolt)

Not carried over: -t (training), -i BNN (1-bit).`;

/** Runs X2bolt with these arguments. */
export async function x2bolt(args: readonly string[]): Promise<void> {
  if (args.some((arg) => ["--help", "-help", "--h", "-h"].includes(arg))) return printLines([HELP]);
  if (args.some((arg) => ["--version", "-version", "--v", "-v"].includes(arg)))
    return printLines([`X2bolt (boltq ${version})`]);
  const options = parseGetopt(args, "d:m:i:r:VBtI:O:", LONG_OPTIONS);
  const { values, flags } = options;
  const name = values.get("m");
  if (name === undefined || options.operands.length > 0) {
    throw new BoltqError("usage", "the model's name is missing (-m NAME)", { remedy: "See X2bolt --help" });
  }
  if (flags.has("t")) {
    throw new BoltqError("unsupported", "models to be trained on the device (-t) cannot be made", {
      remedy: "Train before converting; without -t a model to run is made",
    });
  }
  const precision = parsePrecision(values.get("i") ?? "FP32");
  const source = findModel(values.get("d") ?? ".", name);
  const output = values.get("output") ?? join(source.folder, `${source.name}${PRECISION_SUFFIXES[precision]}`);
  const files = new CommandFiles({ reads: [source.path], writes: [output] });
  const model = await convertChecked(modelArgument(source.path, files), {
    ...conversionOptions(options),
    precision,
    name: source.name,
  });
  await writeModel(model, files.target(output));
  printLines([`wrote ${output}`]);
  if (flags.has("V")) printLines(describeModel(await summarizeModel(await openModel(output))));
  if (flags.has("B")) await printAsSource(output);
}

const LONG_OPTIONS = [
  ...["bolt-version=", "as-bolt", "output=", "input-shape=", "keep-layout", "check", "no-check", "explain"],
];

function conversionOptions({ values, flags }: ParsedOptions): CheckedConvertOptions {
  return {
    version: parsed(values.get("bolt-version"), parseBoltVersion),
    asBolt: flags.has("as-bolt"),
    inputShapes: parsed(values.get("input-shape"), parseInputShapes),
    keepLayout: flags.has("keep-layout"),
    check: flags.has("no-check") ? false : flags.has("check") ? true : undefined,
    explain: flags.has("explain"),
    removeOperators: parseRemoved(values.get("r") ?? "0"),
    inputNames: values.get("I")?.split(","),
    outputNames: values.get("O")?.split(","),
  };
}

function parseRemoved(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new BoltqError("usage", `"${text}" is no number of operators`, { remedy: "Give -r a whole number from 0" });
}

/** Prints a file as C source, 20 bytes a line, a piece at a time. */
async function printAsSource(path: string): Promise<void> {
  const source = fileSource(path);
  printLines([`const unsigned int model_len = ${source.length};`, "const char model[] = {"]);
  for (let start = 0; start < source.length; start += SOURCE_PIECE) {
    const bytes = await source.read(start, Math.min(SOURCE_PIECE, source.length - start));
    printLines(sourceLines(bytes, start + bytes.length === source.length));
  }
  printLines(["};"]);
}

const SOURCE_LINE = 20;
const SOURCE_PIECE = SOURCE_LINE * 2 ** 14;

function sourceLines(bytes: Uint8Array, isLast: boolean): string[] {
  const lines: string[] = [];
  for (let start = 0; start < bytes.length; start += SOURCE_LINE) {
    const line = Array.from(
      bytes.subarray(start, start + SOURCE_LINE),
      (byte) => `0x${byte.toString(16).padStart(2, "0")}`,
    );
    lines.push(`${line.join(", ")}${isLast && start + SOURCE_LINE >= bytes.length ? "" : ","}`);
  }
  return lines;
}
