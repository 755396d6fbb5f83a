import type { Command } from "commander";
import { BoltqError } from "../io/error.ts";
import { destinationOf } from "../io/node/destination.ts";

/** Puts --report on a command. */
export function addReportOption(command: Command): Command {
  return command.option("--report <file.html>", "write what was done and what it cost as a page, in one file");
}

/** A report is made of the model as it was written: a pipe or a device cannot be read again. Throws BoltqError `usage`. */
export function checkReported(output: string | undefined, report: string | undefined): void {
  if (output === undefined || report === undefined || destinationOf(output).kind === "file") return;
  throw new BoltqError("usage", "a report needs the model in a file", {
    file: output,
    remedy: "Give another output, or leave --report out",
  });
}
