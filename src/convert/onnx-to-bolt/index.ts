import type { BoltModel, BoltValue } from "../../bolt/model.ts";
import { rulesOf } from "../../bolt/rules.ts";
import { type BoltVersion, NEWEST_BOLT_VERSION } from "../../bolt/version.ts";
import { watchNodes } from "../../graph/changed-nodes.ts";
import { BoltqError } from "../../io/error.ts";
import { foldConstants } from "../../onnx/constant-folding.ts";
import type { InputShapes } from "../../onnx/inference.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import { inferShapes } from "../../onnx/shape-inference.ts";
import { arrangeNodes } from "../../onnx/structure.ts";
import { runX2boltPasses } from "../../transform/bolt/x2bolt-passes.ts";
import { inlineBranches } from "../../transform/onnx/inline-branches.ts";
import { inlineFunctions } from "../../transform/onnx/inline-functions.ts";
import { CAFFE_DOMAIN } from "../caffe/domain.ts";
import { checkConverted } from "./check-converted.ts";
import type { ConvertedInput } from "./converted-input.ts";
import { fixInputs } from "./fix-inputs.ts";
import { lowerGraph } from "./lower-graph.ts";
import { expandForBolt, rewriteForBolt } from "./rewrites/index.ts";

/** `PTQ` makes the input of the quantizer; `FP32` and `FP16` a network to run. */
export type BoltPrecision = "FP32" | "FP16" | "PTQ";

/** How X2bolt converts; every setting has its default. */
export interface ConvertOptions {
  /** Default FP32. */
  readonly precision?: BoltPrecision;
  /** File version. Default the newest. */
  readonly version?: BoltVersion | undefined;
  /** Write what Bolt's own X2bolt writes, also where that computes something else than the model. Default false. */
  readonly asBolt?: boolean;
  /** The model's name in the file: by default, and always in files of 1.3.0, that of the graph. */
  readonly name?: string;
  /** Sizes of inputs, by name, where the model leaves them open. */
  readonly inputShapes?: Readonly<Record<string, readonly number[]>> | undefined;
  /** Leave out that many operators at the start. */
  readonly removeOperators?: number;
  /** New names for all inputs, or all outputs. */
  readonly inputNames?: readonly string[] | undefined;
  readonly outputNames?: readonly string[] | undefined;
  /** Leave a Transpose of an input in the network; Bolt folds it into the input's shape. Default false. */
  readonly keepLayout?: boolean;
  /** Told of each graph rewrite that changed something, in order, and of the operators that it changed. */
  readonly onRewrite?: (rewrite: string, operators: readonly string[]) => void;
  /** Told of each operator that cannot be converted, so that all are found, before the conversion fails. */
  readonly onProblem?: ((problem: BoltqError) => void) | undefined;
}

/** All that keeps a model from being converted, each operator once; empty where it can be. The model is changed meanwhile. */
export async function conversionProblems(onnx: OnnxModel, options: ConvertOptions = {}): Promise<BoltqError[]> {
  const problems = new Map<string, BoltqError>();
  const onProblem = (problem: BoltqError) => {
    const key = problem.details.subject ?? problem.message;
    if (!problems.has(key)) problems.set(key, problem);
  };
  try {
    await lowerToBolt(onnx, { ...options, onProblem });
  } catch (error) {
    if (!(error instanceof BoltqError)) throw error;
    if (problems.size === 0) onProblem(error);
  }
  return [...problems.values()];
}

/** A model in the Bolt dialect, and what the user should hear. */
export interface Converted {
  /** In float32; storing it as float16 is a step of its own. */
  readonly model: BoltModel;
  /** For each input of `model`, in order, what it was. */
  readonly inputs: readonly ConvertedInput[];
  /** What is worth knowing of the conversion. */
  readonly notes: readonly string[];
}

/**
 * Lowers an ONNX model to Bolt and runs X2bolt's rewrites on it. Weights stay where they are until the model is written.
 * What the model computes of constants and shapes alone is folded into constants first, in the ONNX model itself, but not
 * as Bolt. Throws `unsupported`, naming every operator that Bolt lacks.
 */
export async function lowerToBolt(onnx: OnnxModel, options: ConvertOptions = {}): Promise<Converted> {
  const version = options.version ?? NEWEST_BOLT_VERSION;
  const rules = rulesOf(version);
  const asBolt = options.asBolt ?? false;
  const notes = new Map<string, number>();
  const note = (text: string) => notes.set(text, (notes.get(text) ?? 0) + 1);
  const failed: BoltqError[] = [];
  const tell = options.onProblem;
  const onProblem =
    tell &&
    ((problem: BoltqError) => {
      failed.push(problem);
      tell(problem);
    });
  const inputShapes = fixInputs(onnx, { given: options.inputShapes ?? {}, rules, note });
  if (asBolt) await inferShapes(onnx, { inputShapes });
  else await prepare(onnx, inputShapes, { ...options, onProblem });
  const model = await lowerGraph(onnx, {
    version,
    rules,
    asBolt,
    name: nameOf(onnx, options, version),
    removeOperators: options.removeOperators ?? 0,
    note,
    onProblem,
  });
  if (failed.length > 0) throw failed[0];
  const inputs = await rewriteLowered(
    model,
    options,
    onnx.main.graph.inputs.map(({ name }) => name),
  );
  noteFoldedTransposes(model, inputs, note);
  if (!asBolt) await checkConverted(model, inputs, onnx);
  return { model, inputs, notes: [...notes].map(([text, count]) => (count === 1 ? text : `${text} (${count} times)`)) };
}

/**
 * Runs X2bolt's rewrites on a model that was just lowered, and gives it the names that are asked for. `sources` are the
 * names of its inputs in the source model. Returns what became of those that are left.
 */
export async function rewriteLowered(
  model: BoltModel,
  options: ConvertOptions,
  sources: readonly string[] = model.graph.inputs.map(({ name }) => name),
): Promise<ConvertedInput[]> {
  const { asBolt = false, precision, keepLayout = false, onRewrite } = options;
  const sourceOf = new Map(model.graph.inputs.map((input, index) => [input, sources[index]!]));
  const axesOf = new Map<BoltValue, readonly number[]>();
  const onFoldedTranspose = (input: BoltValue, axes: readonly number[]) => {
    const before = axesOf.get(input);
    axesOf.set(input, before === undefined ? axes : axes.map((axis) => before[axis]!));
  };
  await runX2boltPasses(model, { asBolt, keepLayout, onFoldedTranspose, forQuantizer: precision === "PTQ", onRewrite });
  rename(model, options);
  return model.graph.inputs.map((input) => ({ source: sourceOf.get(input)!, axes: axesOf.get(input) }));
}

/** Inlines functions and branches, puts the operators in order, folds constants, rewrites what Bolt lacks or computes otherwise, and folds what came of that. */
async function prepare(
  onnx: OnnxModel,
  inputShapes: InputShapes,
  { onRewrite, onProblem }: ConvertOptions,
): Promise<void> {
  const fold = async () => {
    await foldConstants(onnx, { inputShapes });
  };
  const told = async <Result>(name: string, step: () => Promise<Result>): Promise<Result> => {
    const changedNodes = onRewrite === undefined ? () => [] : watchNodes(onnx.main.graph);
    const result = await step();
    const changed = changedNodes();
    if (changed.length > 0) onRewrite?.(name, changed);
    return result;
  };
  await told("inlineFunctions", () => inlineFunctions(onnx, new Set([CAFFE_DOMAIN])));
  arrangeNodes(onnx.main);
  await told("foldConstants", fold);
  while (await told("inlineBranches", () => inlineBranches(onnx))) await told("foldConstants", fold);
  if (await told("expandForBolt", () => expandForBolt(onnx, onProblem))) await told("foldConstants", fold);
  await told("rewriteForBolt", () => rewriteForBolt(onnx, onProblem));
  await told("foldConstants", fold);
}

/** Says which inputs are taken otherwise than by the source model, because a Transpose was folded into them, as Bolt does. */
function noteFoldedTransposes(
  { inputDescriptions }: BoltModel,
  inputs: readonly ConvertedInput[],
  note: (text: string) => void,
): void {
  inputs.forEach(({ source, axes }, index) => {
    if (axes === undefined) return;
    const shape = inputDescriptions[index]!.dimensions.toReversed().join(" x ");
    note(
      `the input "${source}" is taken as ${shape}, its axes in the order ${axes.join(", ")}: the Transpose that did so ` +
        "is left to the caller; --keep-layout keeps it in the network",
    );
  });
}

/** Bolt 1.3.0 names the model as its graph, 1.5 as its file. */
function nameOf({ main }: OnnxModel, { name }: ConvertOptions, version: BoltVersion): string {
  return rulesOf(version) === "1.3.0" ? main.graph.name : (name ?? main.graph.name);
}

function rename(model: BoltModel, { inputNames, outputNames }: ConvertOptions): void {
  const { inputs, outputs } = model.graph;
  for (const [values, names, what] of [
    [inputs, inputNames, "inputs"],
    [outputs, outputNames, "outputs"],
  ] as const) {
    if (names === undefined) continue;
    requireCount(names.length, values.length, what);
    values.forEach((value, index) => {
      value.name = names[index]!;
    });
  }
}

function requireCount(given: number, needed: number, what: string): void {
  if (given === needed) return;
  throw new BoltqError("usage", `${given} names are given for ${needed} ${what}`, {
    remedy: "Name all of them, with commas between",
  });
}
