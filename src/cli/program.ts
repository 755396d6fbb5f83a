import { Command, CommanderError } from "commander";
import type { CommandEntry } from "./command-entry.ts";
import { WRONG_CALL } from "./main.ts";
import { version } from "./version.ts";

/** The commands in the order of `--help`. Their files are loaded only when they run, so that help is instant. */
const COMMANDS: readonly CommandEntry[] = [
  {
    name: "convert",
    summary: "copy or convert a model: ONNX, TFLite, TensorFlow or Caffe to Bolt or ONNX, Bolt to ONNX",
    load: () => import("./convert.ts"),
  },
  {
    name: "check",
    summary: "say what keeps a model from being converted or run, without doing so",
    load: () => import("./check.ts"),
  },
  {
    name: "quantize",
    summary: "make an ONNX model int8 for ONNX Runtime, calibrated on examples",
    load: () => import("./quantize.ts"),
  },
  {
    name: "calibrate",
    summary: "collect statistics of a model's values on examples; find clip values",
    load: () => import("./calibrate.ts"),
  },
  {
    name: "table",
    summary: "make a scale table of a model that was trained with simulated quantization",
    load: () => import("./table.ts"),
  },
  {
    name: "compare",
    summary: "run two models on the same data: errors by layer, time, size",
    load: () => import("./compare.ts"),
  },
  {
    name: "tune",
    summary: "find the fastest or smallest int8 ONNX model that loses no more than a limit",
    load: () => import("./tune.ts"),
  },
  { name: "evaluate", summary: "measure accuracy and agreement on labelled data", load: () => import("./evaluate.ts") },
  { name: "run", summary: "run a model on arrays or pictures and write its outputs", load: () => import("./run.ts") },
  { name: "inspect", summary: "show what a model file holds", load: () => import("./inspect.ts") },
  { name: "diff", summary: "say how two model files differ", load: () => import("./diff.ts") },
  { name: "ui", summary: "open the app: the same work in a browser tab", load: () => import("./ui.ts") },
  {
    name: "presets",
    summary: "list the ready-made ways to prepare pictures, and recipes",
    load: () => import("./presets.ts"),
  },
  {
    name: "completion",
    summary: "print what completes commands and options in bash, zsh or fish",
    load: async () => (await import("./completion.ts")).completionOf(COMMANDS),
  },
];

/** Bolt's own programs: they parse their arguments themselves, as Bolt does. */
const BOLT_PROGRAMS: Readonly<Record<string, () => Promise<(args: readonly string[]) => Promise<void>>>> = {
  X2bolt: async () => (await import("./x2bolt.ts")).x2bolt,
  post_training_quantization: async () => (await import("./post-training-quantization.ts")).postTrainingQuantization,
};

/** Builds the program for these arguments, loading the one command that they name, and runs it. */
export async function runProgram(args: readonly string[]): Promise<void> {
  if (args[0] === "help") return runProgram(isKnown(args[1]) ? [...args.slice(1, 2), "--help"] : [args[1]!]);
  const boltProgram = Object.hasOwn(BOLT_PROGRAMS, args[0] ?? "") ? BOLT_PROGRAMS[args[0]!] : undefined;
  if (boltProgram !== undefined) return (await boltProgram())(args.slice(1));
  const program = new Command("boltq")
    .description("Makes trained neural networks small and fast: post-training quantization for Bolt and ONNX Runtime.")
    .version(version, "-v, --version", "show the version")
    .helpOption("-h, --help", "show help")
    .helpCommand(false)
    .showHelpAfterError("(see boltq --help)")
    .addHelpText("after", AFTER_HELP)
    .exitOverride();
  for (const { name, summary, load } of COMMANDS) {
    const command = program.command(name).description(summary).helpOption("-h, --help", "show help").exitOverride();
    if (args[0] === name) (await load()).define(command);
  }
  if (args.length === 0) program.outputHelp();
  else await program.parseAsync([...args], { from: "user" }).catch(setExitCode);
}

/** Whether help can be given: to a command, to one of Bolt's programs, or to all of them. */
function isKnown(word: string | undefined): boolean {
  const names = [...COMMANDS.map(({ name }) => name), ...Object.keys(BOLT_PROGRAMS), "help"];
  return word === undefined || word.startsWith("-") || names.includes(word);
}

/** What commander ends with it has printed itself: help, or what is wrong with the call. */
function setExitCode(error: unknown): void {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : WRONG_CALL;
}

const AFTER_HELP = `
Bolt's own tools, option for option (also installed under these names):
  X2bolt                      convert a model to .bolt
  post_training_quantization  quantize a .bolt model

"boltq help COMMAND" shows the options of a command.`;
