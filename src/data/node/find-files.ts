import { readdirSync, realpathSync, type Stats, statSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { BoltqError } from "../../io/error.ts";

/** A file of a data set. */
export interface FoundFile {
  readonly path: string;
  /** Its path from the folder on, with "/". */
  readonly name: string;
}

/**
 * The file at `path`, or those in the folder there and in its sub-folders, whose suffix is among `suffixes`, sorted by name.
 * Hidden ones are left out. Throws `not-found` when there is nothing at `path`, `invalid-data` when no file fits.
 */
export function findFiles(path: string, suffixes: readonly string[]): FoundFile[] {
  const stats = statOf(path);
  if (stats === undefined) {
    throw new BoltqError("not-found", "there is no such file or folder", {
      file: path,
      remedy: "Check the path of the data",
    });
  }
  const fits = ({ name }: FoundFile) => suffixes.includes(extname(name).toLowerCase());
  const files = (stats.isDirectory() ? walk(path) : [{ path, name: basename(path) }]).filter(fits);
  if (files.length > 0) return files.sort((left, right) => (left.name < right.name ? -1 : 1));
  throw new BoltqError("invalid-data", "there are no examples here", {
    file: path,
    remedy: `Give files, or a folder with files, that end in ${suffixes.join(", ")}`,
  });
}

function walk(root: string): FoundFile[] {
  const files: FoundFile[] = [];
  const folders: FoundFile[] = [{ path: root, name: "" }];
  const seen = new Set<string>();
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const real = realpathSync(folder.path);
    if (seen.has(real)) continue; // a link back to where we were
    seen.add(real);
    for (const entry of entriesOf(folder.path)) {
      if (entry.name.startsWith(".")) continue;
      const found = { path: join(folder.path, entry.name), name: folder.name + entry.name };
      const kind = entry.isSymbolicLink() ? statOf(found.path) : entry;
      if (kind?.isDirectory()) folders.push({ ...found, name: `${found.name}/` });
      else if (kind?.isFile()) files.push(found);
    }
  }
  return files;
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    throw new BoltqError("io", `the folder cannot be read (${(cause as Error).message})`, { file: folder, cause });
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
