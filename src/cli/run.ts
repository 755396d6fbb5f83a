import { mkdir } from "node:fs/promises";
import { extname, join } from "node:path";
import type { Command } from "commander";
import type { Model } from "../convert/model-file.ts";
import { modelInputs } from "../convert/model-inputs.ts";
import { readNpy, writeNpy } from "../data/npy.ts";
import { closeModel, runModel } from "../evaluate/run.ts";
import type { DenseTensor } from "../graph/tensor.ts";
import { BoltqError } from "../io/error.ts";
import { fileSource } from "../io/node/file-source.ts";
import { writeWhole } from "../io/target.ts";
import { CommandFiles } from "./command-files.ts";
import { addPictureOptions, type DataOptions, PICTURES, reopenData } from "./data-options.ts";
import { openModel } from "./model-argument.ts";
import { parseCount } from "./number-option.ts";
import { printJson, printLines, table } from "./print.ts";

interface Options extends Omit<DataOptions, "data"> {
  input: string[];
  outputDir: string;
  threads: number;
  json?: boolean;
}

export function define(command: Command): void {
  addPictureOptions(command.argument("<model>", "a .onnx, .bolt, .tflite, .pb or .caffemodel file"))
    .requiredOption(
      "--input <[name=]file...>",
      "arrays (.npy) or pictures for the inputs, by name or in the model's order",
    )
    .requiredOption("--output-dir <folder>", "where the outputs go, one .npy file each, named after them")
    .option("--threads <number>", "threads inside one operator", parseCount, 1)
    .option("--json", "print what was written as JSON")
    .action(runCommand);
}

async function runCommand(path: string, options: Options): Promise<void> {
  const files = new CommandFiles({ reads: [path] });
  const model = await openModel(path, files);
  const read = (file: string, name: string) => readInput(file, name, model, path, options);
  const inputs = await readInputs(options.input, inputNames(model), path, files, read);
  try {
    const outputs = await runModel(model, inputs, { name: path, threads: options.threads });
    const written = await writeOutputs(outputs, options.outputDir, files);
    if (options.json) printJson(written);
    else
      printLines(
        table(
          ["output", "type", "shape", "file"],
          written.map(({ name, type, shape, file }) => [name, type, shape.join("x"), file]),
        ),
      );
  } finally {
    await closeModel(model);
  }
}

function inputNames(model: Model): string[] {
  const { inputs } = model.format === "bolt" ? model.graph : model.main.graph;
  return inputs.filter(({ constant }) => constant === undefined).map(({ name }) => name);
}

/** Arrays by input; those given without a name go to the inputs that are not named, in the model's order. */
async function readInputs(
  specifications: readonly string[],
  names: readonly string[],
  model: string,
  files: CommandFiles,
  read: (file: string, name: string) => Promise<DenseTensor>,
): Promise<Map<string, DenseTensor>> {
  const given = specifications.map((specification) => {
    const name = names.find((known) => specification.startsWith(`${known}=`));
    return { name, file: name === undefined ? specification : specification.slice(name.length + 1) };
  });
  const free = names.filter((name) => !given.some((input) => input.name === name));
  const inputs = new Map<string, DenseTensor>();
  for (const { name = free.shift(), file } of given) {
    if (name === undefined || inputs.has(name)) {
      throw new BoltqError("usage", `there is no input left for ${file}`, {
        file: model,
        remedy: `The model has ${names.join(", ")}; each is given once, as NAME=FILE.npy or FILE.npy`,
      });
    }
    inputs.set(name, await read(files.read(file), name));
  }
  return inputs;
}

/** An array, or a picture made what the input takes. */
async function readInput(
  file: string,
  name: string,
  model: Model,
  path: string,
  options: Omit<DataOptions, "data">,
): Promise<DenseTensor> {
  if (!PICTURES.has(extname(file).toLowerCase())) return readArray(file);
  const signature = modelInputs(model).filter((input) => input.name === name);
  for await (const { inputs } of (await reopenData({ ...options, data: file }, signature, path)).samples()) {
    return inputs.get(name)!;
  }
  throw new BoltqError("invalid-data", "the picture cannot be read", { file, remedy: "Give another picture" });
}

async function readArray(file: string): Promise<DenseTensor> {
  const source = fileSource(file);
  try {
    return await readNpy(source);
  } finally {
    source.close();
  }
}

interface Written {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly file: string;
}

async function writeOutputs(
  outputs: ReadonlyMap<string, DenseTensor>,
  folder: string,
  files: CommandFiles,
): Promise<Written[]> {
  await mkdir(folder, { recursive: true });
  const taken = new Set<string>();
  const written = [...outputs].map(([name, tensor]) => ({
    tensor,
    row: { name, type: tensor.type, shape: tensor.shape, file: join(folder, `${fileNameFor(name, taken)}.npy`) },
  }));
  for (const { row } of written) files.write(row.file);
  for (const { tensor, row } of written) {
    const target = files.target(row.file);
    await writeWhole(target, () => target.write(writeNpy(tensor)));
  }
  return written.map(({ row }) => row);
}

/** A name that any file system takes and that stays inside the folder; made unique among `taken`. */
export function fileNameFor(name: string, taken: Set<string>): string {
  const plain =
    name
      .replace(/[^A-Za-z0-9._-]/g, "_")
      .replace(/^\.+/, "_")
      .slice(0, 100) || "output";
  let candidate = plain;
  for (let count = 2; taken.has(candidate.toLowerCase()); count++) candidate = `${plain}_${count}`;
  taken.add(candidate.toLowerCase());
  return candidate;
}
