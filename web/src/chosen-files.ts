import type { ModelFiles } from "./job/job.ts";

/** Chosen files by what they are for. */
export interface ChosenFiles {
  readonly models: readonly ModelFiles[];
  readonly examples: readonly File[];
  /** A preprocessor_config.json or a preprocessing of ours. */
  readonly preprocessing: File | undefined;
  readonly unknown: readonly File[];
}

type Use = "model" | "beside" | "example" | "preprocessing";

/** By suffix. A .json is a preprocessing unless it is all there is of a model: TensorFlow's graph as JSON is one. */
const USES: Readonly<Record<string, Use>> = {
  ".onnx": "model",
  ".bolt": "model",
  ".tflite": "model",
  ".pb": "model",
  ".prototxt": "model",
  ".caffemodel": "beside",
  ".onnx_data": "beside",
  ".data": "beside",
  ".weight": "beside",
  ".weights": "beside",
  ".bin": "beside",
  ".jpg": "example",
  ".jpeg": "example",
  ".png": "example",
  ".webp": "example",
  ".npy": "example",
  ".npz": "example",
  ".json": "preprocessing",
};

/** What the file chooser shows. */
export const MODEL_SUFFIXES: readonly string[] = suffixesOf("model", "beside");
export const EXAMPLE_SUFFIXES: readonly string[] = suffixesOf("example");

function suffixesOf(...uses: Use[]): string[] {
  return Object.keys(USES).filter((suffix) => uses.includes(USES[suffix]!));
}

/** Tells chosen files apart by their names. All that is no model of its own may belong to each of the models. */
export function tellApart(files: readonly File[]): ChosenFiles {
  const of = (use: Use | undefined) => files.filter((file) => useOf(file) === use);
  const beside = of("beside");
  return {
    models: of("model").map((model) => ({ model, beside })),
    examples: of("example"),
    preprocessing: of("preprocessing").at(-1),
    unknown: of(undefined),
  };
}

function useOf({ name }: File): Use | undefined {
  if (/\.onnx_data_\d+$/.test(name)) return "beside";
  const suffix = /\.[^.]*$/.exec(name.toLowerCase())?.[0] ?? "";
  return Object.hasOwn(USES, suffix) ? USES[suffix] : undefined;
}

/** The files of a drop, those of dropped folders too. */
export async function filesOfDrop({ items, files }: DataTransfer): Promise<File[]> {
  // Entries are gone once the event is over: take all before anything is waited for.
  const entries = Array.from(items, (item) => item.webkitGetAsEntry());
  if (entries.some((entry) => entry === null)) return [...files];
  return (await Promise.all(entries.map((entry) => filesOfEntry(entry!)))).flat();
}

async function filesOfEntry(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [file];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: File[] = [];
  // A reader gives a hundred or so at a time, and none when it is through.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found;
    for (const each of some) found.push(...(await filesOfEntry(each)));
  }
}
