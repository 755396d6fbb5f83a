import { extname } from "node:path";
import type { DenseTensor } from "../../graph/tensor.ts";
import { BoltqError } from "../../io/error.ts";
import type { Signature } from "../../onnx/model.ts";
import { pictureSize } from "../fit-input.ts";
import { type FoundFile, findFiles } from "./find-files.ts";
import { type ListLine, readList } from "./read-list.ts";
import {
  closeAll,
  inlineValues,
  isArray,
  openArchive,
  openValues,
  type PictureOptions,
  type Values,
} from "./values.ts";

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

const PICTURES = [".jpg", ".jpeg", ".png", ".webp"];
const ARRAYS = [".npy", ".npz"];
const LISTS = [".jsonl", ".ndjson"];

/** Everything at `path` that holds examples for `inputs`, in order. Throws as `openDataset` does. */
export async function findUnits(path: string, inputs: readonly Signature[], options: PictureOptions): Promise<Unit[]> {
  if (LISTS.includes(extname(path).toLowerCase())) {
    return inOrder(await readList(path, inputs), (line) => lineUnit(line, inputs, options));
  }
  return inOrder(findFiles(path, [...PICTURES, ...ARRAYS]), (file) => fileUnit(file, inputs, options));
}

/** One after the other: each has a file open. */
async function inOrder<Item>(items: readonly Item[], make: (item: Item) => Promise<Unit>): Promise<Unit[]> {
  const units: Unit[] = [];
  for (const item of items) units.push(await make(item));
  return units;
}

async function fileUnit(file: FoundFile, inputs: readonly Signature[], options: PictureOptions): Promise<Unit> {
  const { path, name } = file;
  if (extname(path).toLowerCase() === ".npz") {
    return counted({ name, paths: [path] }, async () => unitOf(await openArchive(path, inputs), path));
  }
  const [input, ...others] = inputs;
  if (input === undefined || others.length > 0) {
    throw new BoltqError("unsupported", `this gives one input, but the model takes ${inputs.length}`, {
      file: path,
      remedy: `Give .npz files or a JSON-lines list with ${inputs.map((each) => `"${each.name}"`).join(", ")}`,
    });
  }
  const open = async () => unitOf(new Map([[input.name, await openValues(path, input, options)]]), path);
  const source = { name, paths: [path] };
  if (isArray(path)) return counted(source, open);
  requirePicture(input, options, path);
  return { ...source, count: 1, open };
}

async function lineUnit(line: ListLine, inputs: readonly Signature[], options: PictureOptions): Promise<Unit> {
  const open = async () => {
    const values = new Map<string, Values>();
    try {
      const fields = await line.read();
      for (const input of inputs) {
        const value = fields.get(input.name)!;
        const opened =
          typeof value === "string" ? openValues(value, input, options) : inlineValues(value, input, line.place);
        values.set(input.name, await opened);
      }
      return unitOf(values, line.place);
    } catch (error) {
      await closeAll(values.values());
      throw error;
    }
  };
  let holdsArrays = false;
  const fields = await line.read();
  for (const input of inputs) {
    const value = fields.get(input.name)!;
    if (typeof value !== "string" || isArray(value)) holdsArrays = true;
    else requirePicture(input, options, line.place);
  }
  const paths = [...fields.values()].filter((value) => typeof value === "string");
  const source = { name: line.name, paths };
  return holdsArrays ? counted(source, open) : { ...source, count: 1, open };
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
