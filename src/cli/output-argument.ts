import { statSync } from "node:fs";
import { dirname, join, parse } from "node:path";
import { BoltqError } from "../io/error.ts";

/** The file to write, whose name ends in `suffix` unless it is a device. Throws BoltqError `usage`. */
export function outputNamed(output: string, suffix: string): string {
  if (output.endsWith(suffix) || isDevice(output)) return output;
  throw new BoltqError("usage", `the output's name must end in ${suffix}`, { file: output });
}

function isDevice(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats !== undefined && !stats.isFile() && !stats.isDirectory();
}

/** Where a model goes that is made of another where no output is named: beside it, with a word of how it was made. */
export function outputBeside(model: string, word: string): string {
  const { name } = parse(word);
  return join(dirname(model), `${parse(model).name}_${name}.onnx`);
}
