import { parse } from "node:path";
import type { Command } from "commander";
import type { BoltVersion } from "../bolt/version.ts";
import { raiseToOnnx } from "../convert/bolt-to-onnx/index.ts";
import { BOLT_FORMAT, MODEL_FORMATS, type Model } from "../convert/model-file.ts";
import { formatOf } from "../convert/model-format.ts";
import type { BoltPrecision } from "../convert/onnx-to-bolt/index.ts";
import { BoltqError } from "../io/error.ts";
import { PRECISION_SUFFIXES, parseBoltVersion, parsePrecision } from "./bolt-options.ts";
import { CommandFiles } from "./command-files.ts";
import { convertChecked } from "./convert-checked.ts";
import { INPUT_SHAPE_OPTION, parseInputShapes } from "./input-shapes.ts";
import { type ModelArgument, modelArgument } from "./model-argument.ts";
import { EXTERNAL_DATA_OPTION, writeModelFile } from "./model-output.ts";
import { printLines } from "./print.ts";

interface Options {
  precision?: BoltPrecision;
  boltVersion?: BoltVersion;
  asBolt?: boolean;
  inputShape?: Record<string, number[]>;
  keepLayout?: boolean;
  check?: boolean;
  explain?: boolean;
  externalData?: boolean;
}

export function define(command: Command): void {
  command
    .argument(
      "<input>",
      "a .onnx, .bolt, .tflite, frozen TensorFlow .pb or .caffemodel file (with its .prototxt beside it)",
    )
    .argument(
      "<output>",
      "a .bolt or .onnx file; NAME_ptq_input.bolt, NAME_f16.bolt, NAME_f32.bolt choose the precision",
    )
    .option(
      "-i, --precision <word>",
      "of a .bolt output: FP32, FP16 or PTQ (default: as the output's name says, else FP32)",
      parsePrecision,
    )
    .option("--bolt-version <number>", "file version of a .bolt output (default: the newest)", parseBoltVersion)
    .option("--as-bolt", "convert as Bolt's own X2bolt does, also where that is not what the model says")
    .option(...INPUT_SHAPE_OPTION, parseInputShapes)
    .option(
      "--keep-layout",
      "leave a Transpose of an input in a .bolt output; without it the input is taken transposed",
    )
    .option("--check", "run the model and a .bolt output on random input, and write nothing where they differ")
    .option(
      "--no-check",
      "do not (default: it is done where ONNX Runtime is installed and weights take less than 200 MB)",
    )
    .option("--explain", "print which graph rewrites changed which operators")
    .option(...EXTERNAL_DATA_OPTION)
    .action(async (input: string, output: string, options: Options) => {
      const files = new CommandFiles({ reads: [input], writes: [output] });
      const model = await convert(modelArgument(input, files), input, output, options);
      const written = await writeModelFile(model, output, files, { always: options.externalData });
      printLines(written.map((path) => `wrote ${path}`));
    });
}

async function convert(argument: ModelArgument, input: string, output: string, options: Options): Promise<Model> {
  const wanted = output.endsWith(".bolt") ? "bolt" : output.endsWith(".onnx") ? "onnx" : undefined;
  if (wanted === undefined) {
    throw new BoltqError("usage", "the output's name must end in .bolt or .onnx", { file: output });
  }
  const { source, externalData } = argument;
  const format = await formatOf(MODEL_FORMATS, source);
  if (wanted === "onnx" || format === BOLT_FORMAT) {
    const model = await format.read(source, { externalData, inputShapes: options.inputShape });
    return model.format === "bolt" && wanted === "onnx" ? raiseToOnnx(model) : model;
  }
  return convertChecked(argument, {
    precision: options.precision ?? precisionOfName(output),
    version: options.boltVersion,
    asBolt: options.asBolt ?? false,
    name: parse(input).name,
    keepLayout: options.keepLayout ?? false,
    check: options.check,
    explain: options.explain,
    inputShapes: options.inputShape,
  });
}

function precisionOfName(output: string): BoltPrecision {
  const named = Object.entries(PRECISION_SUFFIXES).find(([, suffix]) => output.endsWith(suffix));
  return named === undefined ? "FP32" : parsePrecision(named[0]);
}
