import { type Command, Option } from "commander";
import { raiseToOnnx } from "../convert/bolt-to-onnx/index.ts";
import type { Model } from "../convert/model-format.ts";
import { conversionProblems } from "../convert/onnx-to-bolt/index.ts";
import { openSession } from "../evaluate/open-session.ts";
import { refusedOperators } from "../evaluate/refused-operators.ts";
import { BoltqError } from "../io/error.ts";
import { loadRuntime } from "../runtime/load.ts";
import { importOnnxRuntime } from "../runtime/node/import-onnxruntime.ts";
import { runtimeOf } from "../runtime/runtime-of.ts";
import { INPUT_SHAPE_OPTION, parseInputShapes } from "./input-shapes.ts";
import { openModel } from "./model-argument.ts";
import { printLines } from "./print.ts";

type Target = "bolt" | "ort" | "ort-web";

interface Options {
  readonly for: Target;
  readonly inputShape?: Record<string, number[]>;
}

export function define(command: Command): void {
  command
    .argument("<model>", "a .onnx, .bolt, .tflite, .pb or .caffemodel file")
    .addOption(
      new Option("--for <target>", "bolt: convert it; ort, ort-web: run it with onnxruntime-node or onnxruntime-web")
        .choices(["bolt", "ort", "ort-web"])
        .makeOptionMandatory(),
    )
    .option(...INPUT_SHAPE_OPTION, parseInputShapes)
    .action(check);
}

/** Prints what is in the way, and sets the exit code 1 where something is. */
async function check(path: string, options: Options): Promise<void> {
  const problems = await problemsFor(await openModel(path, undefined, options.inputShape), options);
  const words = {
    bolt: "converted to Bolt",
    ort: "run by ONNX Runtime",
    "ort-web": "run by ONNX Runtime in a browser",
  };
  if (problems.length === 0) return printLines([`the model can be ${words[options.for]}`]);
  printLines([`the model cannot be ${words[options.for]}:`, ...problems.map(({ message }) => `  ${message}`)]);
  process.exitCode = 1;
}

async function problemsFor(
  model: Model,
  { for: target, inputShape: inputShapes }: Options,
): Promise<readonly BoltqError[]> {
  if (target !== "bolt") return runtimeProblems(model, target);
  if (model.format === "bolt") return collect(() => raiseToOnnx(model));
  return conversionProblems(model, { inputShapes });
}

/** A runtime names the first operator that it does not take: where there is one, all are asked for. */
async function runtimeProblems(model: Model, target: "ort" | "ort-web"): Promise<readonly BoltqError[]> {
  const runtime = target === "ort" ? await loadRuntime() : await webRuntime();
  const problems = await collect(async () => (await openSession(model, { runtime })).close());
  if (problems.length === 0 || model.format === "bolt") return problems;
  const each = await refusedOperators(model, runtime);
  return each.length === 0 ? problems : each;
}

async function webRuntime() {
  const ort = await importOnnxRuntime("onnxruntime-web");
  if (ort !== undefined) return runtimeOf(ort);
  throw new BoltqError("usage", "onnxruntime-web is not installed", { remedy: "Type: npm install onnxruntime-web" });
}

async function collect(action: () => Promise<unknown>): Promise<BoltqError[]> {
  try {
    await action();
    return [];
  } catch (error) {
    if (error instanceof BoltqError && (error.code === "unsupported" || error.code === "runtime")) return [error];
    throw error;
  }
}
