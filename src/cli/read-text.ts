import { readFileSync } from "node:fs";
import { BoltqError } from "../io/error.ts";

/** A text file that an option names. Throws BoltqError `not-found` when it cannot be read. */
export function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new BoltqError("not-found", `the file cannot be read (${(cause as Error).message})`, {
      file,
      cause,
      remedy: "Check the path",
    });
  }
}
