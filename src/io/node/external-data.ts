import { realpathSync } from "node:fs";
import { dirname, isAbsolute, relative, resolve } from "node:path";
import type { Source } from "../bytes.ts";
import { BoltqError } from "../error.ts";
import { type FileSource, fileSource } from "./file-source.ts";

/**
 * Opens the files that a model's external data names, once each. A location that leads out of the model's folder, also
 * by a link, is refused.
 */
export function folderExternalData(modelPath: string): (location: string) => Source {
  const folder = dirname(resolve(modelPath));
  const open = new Map<string, FileSource>();
  return (location) => {
    const known = open.get(location);
    if (known !== undefined) return known;
    const source = fileSource(insideFolder(folder, location, modelPath));
    open.set(location, source);
    return source;
  };
}

function insideFolder(folder: string, location: string, modelPath: string): string {
  const path = resolve(folder, location);
  if (location === "" || isAbsolute(location) || leads(folder, path) || leads(realpathSync(folder), realPath(path))) {
    throw new BoltqError("format", `its external data "${location}" is outside the model's folder`, {
      file: modelPath,
      remedy: "Put the data file beside the model",
    });
  }
  return path;
}

/** Whether `path` lies outside of `folder`. */
function leads(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way.startsWith("..") || isAbsolute(way);
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
