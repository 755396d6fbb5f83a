import type { Source } from "../io/bytes.ts";

/** A source that is let go when it is read. */
export interface ClosableSource extends Source {
  close(): void | Promise<void>;
}

/** A file of a data set, wherever it lies. */
export interface DataFile {
  /** Its path from the data's folder on, with "/". */
  readonly name: string;
  /** Where it lies, for messages. */
  readonly path: string;
  open(): ClosableSource;
}

/** What a file is by its name: an array, several, or else a picture. */
export type DataKind = "npy" | "npz" | "picture";

/** Tells an array's file by its suffix. */
export function kindOf({ path }: Pick<DataFile, "path">): DataKind {
  const [, suffix] = /\.(np[yz])$/i.exec(path) ?? [];
  return (suffix?.toLowerCase() as "npy" | "npz" | undefined) ?? "picture";
}

/** Suffixes of files that hold examples. */
export const DATA_SUFFIXES: readonly string[] = [".jpg", ".jpeg", ".png", ".webp", ".npy", ".npz"];
