import { join } from "node:path";
import { BOLT_VERSIONS, type BoltVersion, isBoltVersion, NEWEST_BOLT_VERSION } from "../bolt/version.ts";
import { writeModel } from "../convert/model-file.ts";
import type { BoltPrecision } from "../convert/onnx-to-bolt/index.ts";
import { BoltqError } from "../io/error.ts";
import { convertToBolt } from "../quantize/bolt/convert-to-bolt.ts";
import { summarizeModel } from "../report/summary.ts";
import { CommandFiles } from "./command-files.ts";
import { type ParsedOptions, parseGetopt } from "./getopt.ts";
import { describeModel } from "./inspect.ts";
import { modelArgument, openModel } from "./model-argument.ts";
import { findModel } from "./model-folder.ts";
import { printLines } from "./print.ts";
import { printWarnings } from "./print-plan.ts";
import { version } from "./version.ts";

const HELP = `X2bolt: converts a trained model to Bolt's format

usage: X2bolt -d DIRECTORY -m NAME [options]

  -d DIRECTORY   where the model is (default: .)
  -m NAME        the model's file name, with or without suffix: NAME.prototxt with
                 NAME.caffemodel, NAME.onnx, NAME.tflite
  -i PRECISION   FP32, FP16 or PTQ (default FP32). PTQ makes the input of post_training_quantization
  -r NUMBER      leave out that many operators at the start of the model (default 0)
  -I NAMES       new names for the inputs, all of them, with commas between
  -O NAMES       new names for the outputs, likewise
  -V             show what the converted model holds
  -v, --version  show the version
  -h, --help     show this help

  --bolt-version VERSION  file version to write: ${BOLT_VERSIONS.filter((known) => known >= 20220126).join(", ")} (default ${NEWEST_BOLT_VERSION})
  --as-bolt      write what Bolt's own X2bolt writes, where that differs from what the model says
  --input-shape NAME=1x3x48x192
                 sizes of an input that the model leaves open (several: --input-shape a=1x2,b=3)
  --output FILE  where to write (default: DIRECTORY/NAME_f32.bolt, _f16.bolt or _ptq_input.bolt)

Not carried over: -t (training), -i BNN (1-bit), -B (dump as C source).`;

/** End of the output's name, by precision. */
export const PRECISION_SUFFIXES: Readonly<Record<BoltPrecision, string>> = {
  FP32: "_f32.bolt",
  FP16: "_f16.bolt",
  PTQ: "_ptq_input.bolt",
};

/** Runs X2bolt with these arguments. */
export async function x2bolt(args: readonly string[]): Promise<void> {
  if (args.some((arg) => ["--help", "-help", "--h", "-h"].includes(arg))) return printLines([HELP]);
  if (args.some((arg) => ["--version", "-version", "--v", "-v"].includes(arg)))
    return printLines([`X2bolt (boltq ${version})`]);
  const options = parseGetopt(args, "d:m:i:r:VI:O:", ["bolt-version=", "as-bolt", "output=", "input-shape="]);
  const { values, long } = options;
  const name = values.get("m");
  if (name === undefined || options.operands.length > 0) {
    throw new BoltqError("usage", "the model's name is missing (-m NAME)", { remedy: "See X2bolt --help" });
  }
  const precision = parsePrecision(values.get("i") ?? "FP32");
  const source = findModel(values.get("d") ?? ".", name);
  const output = long.get("output") ?? join(source.folder, `${source.name}${PRECISION_SUFFIXES[precision]}`);
  await convertFile(source.path, String(output), { ...conversionOptions(options), precision, name: source.name });
  if (options.flags.has("V")) printLines(describeModel(await summarizeModel(await openModel(String(output)))));
}

interface ConversionOptions {
  precision: BoltPrecision;
  name?: string;
  version?: BoltVersion;
  asBolt?: boolean;
  removeOperators?: number;
  inputShapes?: Record<string, number[]>;
  inputNames?: readonly string[];
  outputNames?: readonly string[];
}

/** Converts the model file `input` to the Bolt file `output` and says on stderr what is worth knowing. */
async function convertFile(input: string, output: string, options: ConversionOptions): Promise<void> {
  const files = new CommandFiles({ reads: [input], writes: [output] });
  const { source, externalData } = modelArgument(input, files);
  const converted = await convertToBolt(source, { ...options, externalData });
  for (const note of converted.notes) process.stderr.write(`note: ${note}\n`);
  printWarnings(converted.warnings);
  await writeModel(converted.model, files.target(output));
  printLines([`wrote ${output}`]);
}

function conversionOptions({ values, long }: ParsedOptions): Omit<ConversionOptions, "precision"> {
  const given = long.get("bolt-version");
  return {
    ...(given === undefined ? {} : { version: parseBoltVersion(String(given)) }),
    asBolt: long.has("as-bolt"),
    ...(long.has("input-shape") ? { inputShapes: parseInputShapes(String(long.get("input-shape"))) } : {}),
    removeOperators: Number.parseInt(values.get("r") ?? "0", 10) || 0,
    ...names("inputNames", values.get("I")),
    ...names("outputNames", values.get("O")),
  };
}

function names(key: "inputNames" | "outputNames", list: string | undefined): Partial<ConversionOptions> {
  return list === undefined ? {} : { [key]: list.split(",") };
}

/** `a=1x2,b=3` as shapes by input name. Throws `usage`. */
export function parseInputShapes(text: string): Record<string, number[]> {
  return Object.fromEntries(
    text.split(",").map((part) => {
      const [, name, sizes] = /^(.+)=(\d+(?:x\d+)*)$/.exec(part) ?? [];
      if (name !== undefined && sizes !== undefined) return [name, sizes.split("x").map(Number)];
      throw new BoltqError("usage", `"${part}" is no input shape`, { remedy: "Give NAME=1x3x224x224" });
    }),
  );
}

/** FP32, FP16 or PTQ in any case; throws `usage` for anything else. */
export function parsePrecision(word: string): BoltPrecision {
  const precision = word.toUpperCase();
  if (precision === "FP32" || precision === "FP16" || precision === "PTQ") return precision;
  throw new BoltqError("usage", `there is no precision "${word}"`, { remedy: "Choose one of FP32, FP16, PTQ" });
}

/** A file version that boltq can write; throws `usage` for anything else. */
export function parseBoltVersion(text: string): BoltVersion {
  const number = Number(text);
  if (isBoltVersion(number)) return number;
  throw new BoltqError("usage", `there is no Bolt file version "${text}"`, {
    remedy: `Choose one of ${BOLT_VERSIONS.join(", ")}`,
  });
}
