import { statSync } from "node:fs";
import { BoltqError } from "../io/error.ts";

/** The file to write, whose name ends in `suffix` unless it is a device. Throws BoltqError `usage`. */
export function outputNamed(output: string | undefined, suffix: string): string {
  if (output === undefined) throw new BoltqError("usage", `the output is missing (-o FILE${suffix})`);
  if (output.endsWith(suffix) || isDevice(output)) return output;
  throw new BoltqError("usage", `the output's name must end in ${suffix}`, { file: output });
}

function isDevice(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats !== undefined && !stats.isFile() && !stats.isDirectory();
}
