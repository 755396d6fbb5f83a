import { existsSync, realpathSync } from "node:fs";
import { BoltqError } from "../io/error.ts";

/** The file to write, of that kind, which must not be the input itself. Throws BoltqError `usage`. */
export function outputUnlike(input: string, output: string | undefined, suffix: string): string {
  if (output === undefined) throw new BoltqError("usage", `the output is missing (-o FILE${suffix})`);
  if (!output.endsWith(suffix))
    throw new BoltqError("usage", `the output's name must end in ${suffix}`, { file: output });
  if (existsSync(output) && existsSync(input) && realpathSync(output) === realpathSync(input)) {
    throw new BoltqError("usage", "the output would replace the model itself", {
      file: output,
      remedy: "Give another file to -o",
    });
  }
  return output;
}
