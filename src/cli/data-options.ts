import { existsSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { type Dataset, parseShard, type Shard } from "../data/dataset.ts";
import { openDataset } from "../data/node/open-dataset.ts";
import { writePreview } from "../data/node/write-preview.ts";
import { BOLT_IMAGE_FORMATS } from "../data/preprocess/bolt-formats.ts";
import type { TargetSize } from "../data/preprocess/preprocess.ts";
import {
  describePreprocessing,
  PRESETS,
  type Preprocessing,
  parsePreprocessing,
  preset,
} from "../data/preprocess/specification.ts";
import { openTokenizer, tokenizerBeside } from "../data/tokens/node/open-tokenizer.ts";
import { denseValues } from "../graph/dense-values.ts";
import type { Signature } from "../onnx/model.ts";
import type { CommandFiles, Paths } from "./command-files.ts";
import { parseCount, parseNonNegative } from "./number-option.ts";
import { readText } from "./read-text.ts";

/** The options that say which examples a model is run on and how pictures become its input. */
export interface DataOptions {
  data: string;
  tokenizer?: string;
  limit?: number;
  offset?: number;
  shard?: Shard;
  preview?: string;
  preprocess?: string;
  size?: TargetSize;
  resize?: string;
  shortSide?: number;
  channels?: string;
  layout?: string;
  mean?: number[];
  scale?: number[];
  format?: string;
  factor?: number;
}

/** Puts the options for data on a command; `required`: there must be some (default). */
export function addDataOptions(command: Command, { required = true }: { required?: boolean } = {}): Command {
  command
    .addOption(
      new Option(
        "--data <path>",
        "examples: a folder of pictures (.jpg, .png, .webp) or arrays (.npy, .npz), a .jsonl list, or a .txt of texts",
      ).makeOptionMandatory(required),
    )
    .option("--tokenizer <path>", "tokenizer.json for texts (default: the one beside the model, or above its folder)")
    .option("--limit <number>", "use at most so many examples", parseCount)
    .option("--offset <number>", "leave out so many at the start", parseNonNegative)
    .option("--shard <part/parts>", "of those, use every PARTS-th, from the PART-th on (3/8)", parseShardOption)
    .option("--preview <file.png>", "write a picture of what the network will see");
  return addPictureOptions(command);
}

/** Puts the options that say how pictures become inputs on a command. */
export function addPictureOptions(command: Command): Command {
  return command
    .option(
      "--preprocess <name|file.json>",
      `how pictures become inputs: ${Object.keys(PRESETS).join(", ")}, or a JSON file (preprocessor_config.json too)`,
    )
    .option("--size <WxH>", "size of the pictures, where the model leaves it open", parseSize)
    .option("--resize <way>", "stretch, crop or letterbox")
    .option("--short-side <pixels>", "before cropping: the short side's length", parseCount)
    .option("--channels <order>", "RGB, BGR or GRAY")
    .option("--layout <layout>", "NCHW or NHWC")
    .option("--mean <numbers>", "taken from 0..255: one number, or one a channel (104,117,123)", parseNumbers)
    .option("--scale <numbers>", "multiplied after that: one number, or one a channel", parseNumbers)
    .option("-f, --format <word>", `prepare as Bolt's loader does: ${BOLT_IMAGE_FORMATS.join(", ")}`)
    .option("-m, --factor <number>", "Bolt's -m, with -f: multiplied after the mean is taken", Number);
}

/** What a command with these options reads, beside the files that the examples are in. */
export function dataReads({ data, preprocess, tokenizer }: Partial<DataOptions>): Paths {
  return [data, preprocess, tokenizer];
}

/**
 * The examples that the options name, for a model with these inputs, in the file `model`; writes the preview if one is
 * asked for. Says how pictures are prepared where no option does, and what looks wrong about the first examples.
 */
export async function openData(
  options: DataOptions,
  inputs: readonly Signature[],
  files: CommandFiles,
  model: string,
): Promise<Dataset> {
  const preprocessing = preprocessingOf(options, model);
  const dataset = await reopenData(options, inputs, model);
  for (const path of dataset.files ?? []) files.read(path);
  if (options.preview !== undefined) await writePreview(dataset, preprocessing, options.preview);
  await sayWhatIsSeen(options, dataset, preprocessing, model);
  return dataset;
}

/** The same examples again, without a word. */
export async function reopenData(options: DataOptions, inputs: readonly Signature[], model: string): Promise<Dataset> {
  const tokenizer = options.tokenizer ?? tokenizerBeside(model);
  return openDataset(options.data, inputs, {
    preprocessing: preprocessingOf(options, model),
    openTokenizer: tokenizer === undefined ? undefined : () => openTokenizer(tokenizer),
    ...pick(options, "size", "limit", "offset", "shard"),
  });
}

/** Suffixes of pictures. */
export const PICTURES: ReadonlySet<string> = new Set([".jpg", ".jpeg", ".png", ".webp"]);

/** Nothing about pictures is chosen in silence: without an option the way and the range that the network sees are printed. */
async function sayWhatIsSeen(options: DataOptions, dataset: Dataset, how: Preprocessing, model: string): Promise<void> {
  const seen = await rangeOfFirst(dataset);
  const beside = configBeside(model);
  const silent = !states(options) && (dataset.files ?? []).some((path) => PICTURES.has(extname(path).toLowerCase()));
  if (silent && seen !== undefined) {
    const source = beside === undefined ? "no --preprocess" : `as ${beside} says`;
    const more = beside === undefined ? '; see "boltq presets" for what models were trained with' : "";
    const range = `${seen.least.toPrecision(3)} to ${seen.most.toPrecision(3)}`;
    process.stderr.write(`note: ${source}: pictures are ${describePreprocessing(how)} (here ${range})${more}\n`);
  }
  for (const warning of warningsOf(seen)) process.stderr.write(`warning: ${warning}\n`);
}

interface SeenRange {
  readonly name: string;
  readonly least: number;
  readonly most: number;
}

/** Of the first example that can be read: its floating-point inputs' least and largest number, an empty cache aside. */
async function rangeOfFirst(dataset: Dataset): Promise<SeenRange | undefined> {
  for await (const { name, inputs } of dataset.samples()) {
    const values = [...inputs.values()]
      .filter(({ type, data }) => type.startsWith("float") && data.length > 0)
      .map(denseValues);
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const each of values) {
      for (let index = 0; index < each.length; index++) {
        least = Math.min(least, each[index]!);
        most = Math.max(most, each[index]!);
      }
    }
    return values.length === 0 ? undefined : { name, least, most };
  }
  return undefined;
}

function warningsOf(seen: SeenRange | undefined): string[] {
  if (seen === undefined || seen.least < seen.most || Number.isNaN(seen.least)) return [];
  const what = seen.least === 0 ? "zero" : `equal (${seen.least})`;
  return [`all numbers of the example "${seen.name}" are ${what}: check the data, and --mean and --scale`];
}

/** Says so where ranges are to be found on a single example. */
export function warnOfOneExample({ length }: Dataset): void {
  if (length !== 1) return;
  process.stderr.write(
    "warning: there is one example: ranges that are found on it hold for no other; give 32 or more\n",
  );
}

/** Whether an option says how pictures are prepared. */
function states(options: Omit<DataOptions, "data">): boolean {
  const { preprocess, resize, channels, layout, mean, scale, format } = options;
  return [preprocess, resize, channels, layout, mean, scale, format].some((option) => option !== undefined);
}

/** A preprocessor_config.json beside the model. */
function configBeside(model: string | undefined): string | undefined {
  const path = model === undefined ? undefined : join(dirname(model), "preprocessor_config.json");
  return path !== undefined && existsSync(path) ? path : undefined;
}

/** The named or stored preprocessing, with the fields that options give instead; without any the one that lies beside the model. */
export function preprocessingOf(options: Omit<DataOptions, "data">, model?: string): Preprocessing {
  const base = baseOf(options.preprocess ?? (states(options) ? "raw" : (configBeside(model) ?? "raw")));
  const stated = {
    ...pick(options, "resize", "shortSide", "channels", "layout", "mean", "scale"),
    ...(options.format === undefined ? {} : { bolt: options.format, scale: [options.factor ?? 1] }),
  };
  return parsePreprocessing(JSON.stringify({ ...base, ...stated }), "command line");
}

function baseOf(word: string): Preprocessing {
  return word.endsWith(".json") || existsSync(word) ? parsePreprocessing(readText(word), word) : preset(word);
}

/** The listed fields of `options`, those that are not given left out. */
function pick<Key extends Exclude<keyof DataOptions, "data">>(
  options: Omit<DataOptions, "data">,
  ...keys: Key[]
): { [K in Key]?: NonNullable<DataOptions[K]> } {
  return Object.fromEntries(keys.flatMap((key) => (options[key] === undefined ? [] : [[key, options[key]]]))) as {
    [K in Key]?: NonNullable<DataOptions[K]>;
  };
}

function parseNumbers(text: string): number[] {
  const numbers = text.split(",").map(Number);
  if (numbers.every(Number.isFinite) && (numbers.length === 1 || numbers.length === 3)) return numbers;
  throw new InvalidArgumentError("Give one number, or three with commas.");
}

function parseShardOption(text: string): Shard {
  try {
    return parseShard(text);
  } catch {
    throw new InvalidArgumentError("Give PART/PARTS, such as 3/8.");
  }
}

function parseSize(text: string): TargetSize {
  const [, width, height] = /^(\d+)x(\d+)$/.exec(text) ?? [];
  if (width !== undefined && Number(width) > 0 && Number(height) > 0)
    return { width: Number(width), height: Number(height) };
  throw new InvalidArgumentError("Give WIDTHxHEIGHT, such as 224x224.");
}
