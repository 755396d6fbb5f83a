import type { Command } from "commander";
import { describePreprocessing, PRESETS } from "../data/preprocess/specification.ts";
import { RECIPES } from "../quantize/recipe.ts";
import { printJson, printLines, table } from "./print.ts";

export function define(command: Command): void {
  command.option("--json", "print as JSON").action(presets);
}

function presets({ json }: { readonly json?: boolean }): void {
  if (json) {
    printJson({ preprocessing: PRESETS, recipes: RECIPES });
    return;
  }
  const preprocessing = Object.entries(PRESETS).map(([name, how]) => [name, describePreprocessing(how)]);
  const recipes = Object.entries(RECIPES).map(([name, { description = "" }]) => [name, description]);
  printLines([
    ...table(["--preprocess", "what becomes of a picture's 0 to 255"], preprocessing),
    "",
    ...table(["--recipe", "how an ONNX model is quantized"], recipes),
  ]);
}
