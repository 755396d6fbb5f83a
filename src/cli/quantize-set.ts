import { mkdirSync, rmdirSync, statSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { modelInputs } from "../convert/model-inputs.ts";
import type { Dataset } from "../data/dataset.ts";
import { BoltqError, placed } from "../io/error.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { SharedWork } from "../quantize/onnx/forms/index.ts";
import { type Effort, quantizeOnnx } from "../quantize/onnx/quantize-onnx.ts";
import { parseDtypes, TRANSFORMERS_DTYPES, type TransformersDtype } from "../quantize/onnx/transformers-dtypes.ts";
import { recipeNamed } from "../quantize/recipe.ts";
import { CommandFiles } from "./command-files.ts";
import { copyOutput } from "./copy-output.ts";
import { type DataOptions, dataReads, openData } from "./data-options.ts";
import { describeSet, type SetFile } from "./describe-set.ts";
import { measureQuantized } from "./measure-quantized.ts";
import { openModel } from "./model-argument.ts";
import { writeModelFile } from "./model-output.ts";
import { modelsToQuantize } from "./models-to-quantize.ts";
import { printJson, printLines } from "./print.ts";
import { printWarnings } from "./print-warnings.ts";

/** What of `boltq quantize` a whole set of files takes. */
export interface SetOptions extends Partial<DataOptions> {
  readonly output?: string;
  readonly dtypes?: string;
  readonly effort?: Effort;
  readonly json?: boolean;
}

/** Bytes of one file of weights: a browser takes no more in one piece. */
const MOST_DATA_BYTES = 2_000_000_000;

/** Writes a model, or each of a folder, in every dtype that transformers.js may ask for, and says what each costs. */
export async function quantizeSet(path: string, options: SetOptions): Promise<void> {
  const folder = options.output;
  if (folder === undefined) throw new BoltqError("usage", "the output is missing (-o FOLDER)");
  const jobs = modelsToQuantize(path).map((source) => ({ source, outputs: outputsOf(source, folder, options.dtypes) }));
  const made = makeFolder(folder);
  try {
    await quantizeInto(jobs, options);
  } catch (error) {
    if (made !== undefined) removeEmpty(folder, made);
    throw error;
  }
}

interface Job {
  readonly source: string;
  readonly outputs: readonly Output[];
}

async function quantizeInto(jobs: readonly Job[], options: SetOptions): Promise<void> {
  const files = new CommandFiles({
    reads: [...jobs.map(({ source }) => source), ...dataReads(options)],
    writes: jobs.flatMap(({ outputs }) => outputs.map(({ path: output }) => output)),
  });
  const written: SetFile[] = [];
  for (const { source, outputs } of jobs) {
    written.push(...(await writeOutputs(outputs, await workOn(source, options, files))));
  }
  if (options.json) printJson(written);
  else printLines(describeSet(written));
}

interface Output {
  readonly dtype: TransformersDtype;
  readonly path: string;
}

function outputsOf(source: string, folder: string, dtypes: string | undefined): Output[] {
  const stem = basename(source, extname(source));
  return parseDtypes(dtypes).map((dtype) => ({
    dtype,
    path: join(folder, `${stem}${TRANSFORMERS_DTYPES[dtype].suffix}.onnx`),
  }));
}

/** Returns the topmost folder that had to be made. */
function makeFolder(folder: string): string | undefined {
  try {
    return mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new BoltqError("usage", `this is no folder to write to (${(cause as Error).message})`, {
      file: folder,
      cause,
    });
  }
}

/** Removes `folder` and those above it as far as `top`, unless something was written there. */
function removeEmpty(folder: string, top: string): void {
  const [last, path] = [resolve(top), resolve(folder)];
  try {
    for (let current = path; current.startsWith(last); current = dirname(current)) rmdirSync(current);
  } catch {
    // It holds what was written before the failure.
  }
}

interface Work {
  readonly source: string;
  readonly dataset: Dataset | undefined;
  readonly effort: Effort | undefined;
  readonly files: CommandFiles;
  readonly shared: SharedWork;
}

async function workOn(source: string, { effort, data, ...others }: SetOptions, files: CommandFiles): Promise<Work> {
  const inputs = modelInputs(await openFloat(source, files));
  const dataset = data === undefined ? undefined : await openData({ ...others, data }, inputs, files, source);
  return { source, dataset, effort, files, shared: new SharedWork() };
}

async function writeOutputs(outputs: readonly Output[], work: Work): Promise<SetFile[]> {
  const { source, files } = work;
  const parts = new Map<string, readonly string[]>();
  for (const { dtype, path } of outputs) {
    const twin = outputs.find((other) => recipeOf(other.dtype) === recipeOf(dtype));
    const [whole, ...data] = parts.get(twin?.path ?? path) ?? [];
    if (whole !== undefined && data.length === 0) {
      await copyOutput(whole, files.target(path));
      parts.set(path, [path]);
    } else parts.set(path, await placed({ file: path }, () => writeDtype({ dtype, path }, work)));
  }
  const written: SetFile[] = [{ path: source, dtype: "fp32", bytes: files.bytesOf(source), dataFiles: 0 }];
  for (const { dtype, path } of outputs) {
    const { length } = parts.get(path)!;
    const measured = work.dataset && (await measureQuantized(source, path, work.dataset));
    const file = { path, dtype, bytes: bytesOf(parts.get(path)!), dataFiles: length - 1 };
    written.push(measured === undefined ? file : { ...file, measured });
  }
  return written;
}

const recipeOf = (dtype: TransformersDtype) => TRANSFORMERS_DTYPES[dtype].recipe;

const bytesOf = (paths: readonly string[]) => paths.reduce((sum, path) => sum + statSync(path).size, 0);

async function writeDtype(
  { dtype, path }: Output,
  { source, dataset, effort, files, shared }: Work,
): Promise<string[]> {
  const model = await openFloat(source, files);
  const { plan } = await quantizeOnnx(model, {
    name: source,
    recipe: recipeNamed(recipeOf(dtype)),
    target: "transformers.js",
    dataset,
    shared,
    ...(effort === undefined ? {} : { effort }),
  });
  printWarnings(plan.warnings);
  return writeModelFile(model, path, files, { mostBytes: MOST_DATA_BYTES });
}

async function openFloat(source: string, files: CommandFiles): Promise<OnnxModel> {
  const model = await openModel(source, files);
  if (model.format === "onnx") return model;
  throw new BoltqError("usage", "transformers.js takes ONNX models", { file: source });
}
