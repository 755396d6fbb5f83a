import type { Command } from "commander";

/** Puts --report on a command. */
export function addReportOption(command: Command): Command {
  return command.option("--report <file.html>", "write what was done and what it cost as a page, in one file");
}
