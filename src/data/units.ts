import type { DenseTensor } from "../graph/tensor.ts";
import { BoltqError } from "../io/error.ts";
import type { Signature } from "../onnx/model.ts";
import { type DataFile, kindOf } from "./data-file.ts";
import { pictureSize } from "./fit-input.ts";
import { readsTokens, withTokenInputs } from "./tokens/token-inputs.ts";
import { closeAll, inlineValues, openArchive, openValues, type PictureOptions, type Values } from "./values.ts";

/** A file or a line of a list: what holds one example or several. */
export interface Unit {
  readonly name: string;
  /** The files that it is read from. */
  readonly paths: readonly string[];
  /** How many examples it holds; 1 if it cannot be read. */
  readonly count: number;
  open(): Promise<OpenUnit>;
}

export interface OpenUnit {
  readonly count: number;
  read(index: number): Promise<Map<string, DenseTensor>>;
  close(): Promise<void>;
}

/** A line of a list, not kept in memory. */
export interface DataLine {
  readonly name: string;
  /** For messages. */
  readonly place: string;
  /** What it says of each input: a file or the numbers themselves. */
  read(): Promise<Map<string, DataFile | DenseTensor>>;
}

/** The files as units. Throws where one cannot be what the inputs take. */
export function unitsOfFiles(
  files: readonly DataFile[],
  inputs: readonly Signature[],
  options: PictureOptions,
): Promise<Unit[]> {
  return inOrder(files, (file) => fileUnit(file, inputs, options));
}

/** The lines of a list as units. Throws where one cannot be what the inputs take. */
export function unitsOfLines(
  lines: readonly DataLine[],
  inputs: readonly Signature[],
  options: PictureOptions,
): Promise<Unit[]> {
  return inOrder(lines, (line) => lineUnit(line, inputs, options));
}

/** One after the other: each has a file open. */
async function inOrder<Item>(items: readonly Item[], make: (item: Item) => Promise<Unit>): Promise<Unit[]> {
  const units: Unit[] = [];
  for (const item of items) units.push(await make(item));
  return units;
}

async function fileUnit(file: DataFile, inputs: readonly Signature[], options: PictureOptions): Promise<Unit> {
  const { path, name } = file;
  const kind = kindOf(file);
  if (kind === "npz") {
    return counted({ name, paths: [path] }, async () => unitOf(await openArchive(file, inputs), path));
  }
  const [input, ...others] = inputs;
  if (input === undefined || others.length > 0) {
    throw new BoltqError("unsupported", `this gives one input, but the model takes ${inputs.length}`, {
      file: path,
      remedy: `Give .npz files or a JSON-lines list with ${inputs.map((each) => `"${each.name}"`).join(", ")}`,
    });
  }
  const open = async () => unitOf(new Map([[input.name, await openValues(file, input, options)]]), path);
  const source = { name, paths: [path] };
  if (kind === "npy") return counted(source, open);
  requirePicture(input, options, path);
  return { ...source, count: 1, open };
}

async function lineUnit(line: DataLine, inputs: readonly Signature[], options: PictureOptions): Promise<Unit> {
  const open = async () => {
    const values = new Map<string, Values>();
    try {
      const fields = await line.read();
      for (const input of inputs) {
        const value = fields.get(input.name);
        if (value === undefined) continue;
        const opened = "open" in value ? openValues(value, input, options) : inlineValues(value, input, line.place);
        values.set(input.name, await opened);
      }
      return completed(unitOf(values, line.place), inputs);
    } catch (error) {
      await closeAll(values.values());
      throw error;
    }
  };
  let holdsArrays = false;
  const fields = await line.read();
  for (const input of inputs) {
    const value = fields.get(input.name);
    if (value === undefined || !("open" in value) || kindOf(value) !== "picture") holdsArrays = true;
    else requirePicture(input, options, line.place);
  }
  const paths = [...fields.values()].flatMap((value) => ("open" in value ? [value.path] : []));
  const source = { name: line.name, paths };
  return holdsArrays ? counted(source, open) : { ...source, count: 1, open };
}

/** The examples with the inputs that follow from the others. */
function completed(unit: OpenUnit, inputs: readonly Signature[]): OpenUnit {
  return readsTokens(inputs)
    ? { ...unit, read: async (index) => withTokenInputs(await unit.read(index), inputs) }
    : unit;
}

/** Pictures that cannot become this input are an error before the first one is read. */
function requirePicture(input: Signature, { preprocessing, size }: PictureOptions, place: string): void {
  try {
    pictureSize(input, preprocessing, size);
  } catch (error) {
    throw error instanceof BoltqError ? error.within({ file: place }) : error;
  }
}

/** Finds out how many examples there are; what cannot be read is met again, and reported, when its turn comes. */
async function counted(source: Pick<Unit, "name" | "paths">, open: () => Promise<OpenUnit>): Promise<Unit> {
  try {
    const unit = await open();
    await unit.close();
    return { ...source, count: unit.count, open };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return { ...source, count: 1, open };
  }
}

/** Whether it is the file's fault, so that the other examples can still be used. */
export function isUnreadable(error: unknown): error is BoltqError {
  return error instanceof BoltqError && /^(format|truncated|limit|unsupported|io|not-found)$/.test(error.code);
}

function unitOf(values: ReadonlyMap<string, Values>, place: string): OpenUnit {
  const counts = new Set([...values.values()].map(({ count }) => count).filter((count) => count > 1));
  if (counts.size > 1) {
    throw new BoltqError("mismatch", `its arrays hold ${[...counts].join(" and ")} examples`, {
      file: place,
      remedy: "Give as many examples for each input",
    });
  }
  return {
    count: [...counts][0] ?? 1,
    read: async (index) => {
      const tensors = new Map<string, DenseTensor>();
      for (const [name, value] of values) tensors.set(name, await value.read(value.count > 1 ? index : 0));
      return tensors;
    },
    close: () => closeAll(values.values()),
  };
}
