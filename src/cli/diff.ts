import type { Command } from "commander";
import { type Difference, diffModels } from "../report/difference.ts";
import { openModel } from "./model-argument.ts";
import { printJson, printLines } from "./print.ts";

export function define(command: Command): void {
  command
    .argument("<first>", "a .bolt, .onnx, .tflite, .pb or .caffemodel file")
    .argument("<second>", "another one")
    .option("--json", "print as JSON")
    .addHelpText("after", "\nThe exit code is 0 when the models are the same, 1 when they differ.")
    .action(async (first: string, second: string, options: { json?: boolean }) => {
      const differences = await diffModels(await openModel(first), await openModel(second));
      if (options.json) printJson(differences);
      else printLines(differences.length === 0 ? ["no difference"] : differences.map(describe));
      if (differences.length > 0) process.exitCode = 1;
    });
}

function describe({ kind, subject, first, second, decibels }: Difference): string {
  const sides = `${show(first)} -> ${show(second)}`;
  if (decibels === undefined) return `${kind} ${subject}: ${sides}`;
  return `${kind} ${subject}: ${sides}, ${decibels === null ? "other length" : `${decibels.toFixed(2)} dB`}`;
}

function show(side: unknown): string {
  return side === undefined ? "(none)" : typeof side === "string" ? side : JSON.stringify(side);
}
