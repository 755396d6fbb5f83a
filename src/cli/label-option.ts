import { existsSync } from "node:fs";
import type { Command } from "commander";
import { type Labels, labelsOfFolders, parseLabels } from "../data/labels.ts";
import { parseNonNegative } from "./number-option.ts";
import { readText } from "./read-text.ts";

/** The word for classes that are told by folders. */
const FOLDERS = "folders";

/** Puts --labels and --label-offset on a command. */
export function addLabelOptions(command: Command): Command {
  return command
    .option(
      "--labels <file.csv|folders>",
      "the right classes: lines of file,class; or a folder of examples for each class",
    )
    .option(
      "--label-offset <number>",
      "add this to the labels (1 where the model's class 0 is background)",
      parseNonNegative,
      0,
    );
}

/** The right classes that --labels names, of examples with these names. */
export function readLabels(word: string, names: readonly string[]): Labels {
  if (word === FOLDERS && !existsSync(word)) return labelsOfFolders(names);
  return parseLabels(readText(word), word);
}
