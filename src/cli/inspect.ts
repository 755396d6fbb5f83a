import type { Command } from "commander";
import { summarizeModel } from "../report/summary.ts";
import { describeModel } from "./describe-model.ts";
import { openModel } from "./model-argument.ts";
import { printJson, printLines } from "./print.ts";

export function define(command: Command): void {
  command
    .argument("<model>", "a .bolt, .onnx, .tflite, .pb or .caffemodel file")
    .option("--json", "print as JSON")
    .option("--no-ranges", "do not read the weights for their ranges")
    .action(async (path: string, options: { json?: boolean; ranges: boolean }) => {
      const summary = await summarizeModel(await openModel(path), { ranges: options.ranges });
      if (options.json) printJson(summary);
      else printLines(describeModel(summary));
    });
}
