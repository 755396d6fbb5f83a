import { existsSync } from "node:fs";
import { type Labels, labelsOfFolders, parseLabels } from "../data/labels.ts";
import { readText } from "./read-text.ts";

/** The word for classes that are told by folders. */
const FOLDERS = "folders";

/** The right classes that --labels names, of examples with these names. */
export function readLabels(word: string, names: readonly string[]): Labels {
  if (word === FOLDERS && !existsSync(word)) return labelsOfFolders(names);
  return parseLabels(readText(word), word);
}
