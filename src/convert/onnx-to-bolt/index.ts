import type { BoltModel, BoltValue } from "../../bolt/model.ts";
import { rulesOf } from "../../bolt/rules.ts";
import { type BoltVersion, NEWEST_BOLT_VERSION } from "../../bolt/version.ts";
import { BoltqError } from "../../io/error.ts";
import { foldConstants } from "../../onnx/constant-folding.ts";
import type { InputShapes } from "../../onnx/inference.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import { inferShapes } from "../../onnx/shape-inference.ts";
import { sortNodes } from "../../onnx/sort-nodes.ts";
import { runX2boltPasses } from "../../transform/bolt/x2bolt-passes.ts";
import { checkConverted } from "./check-converted.ts";
import { fixInputs } from "./fix-inputs.ts";
import { lowerGraph } from "./lower-graph.ts";
import { rewriteForBolt } from "./rewrites/index.ts";

/** `PTQ` makes the input of the quantizer; `FP32` and `FP16` a network to run. */
export type BoltPrecision = "FP32" | "FP16" | "PTQ";

/** How X2bolt converts; every setting has its default. */
export interface ConvertOptions {
  /** Default FP32. */
  readonly precision?: BoltPrecision;
  /** File version. Default the newest. */
  readonly version?: BoltVersion;
  /** Write what Bolt's own X2bolt writes, also where that computes something else than the model. Default false. */
  readonly asBolt?: boolean;
  /** The model's name in the file: by default, and always in files of 1.3.0, that of the graph. */
  readonly name?: string;
  /** Sizes of inputs, by name, where the model leaves them open. */
  readonly inputShapes?: Readonly<Record<string, readonly number[]>>;
  /** Leave out that many operators at the start. */
  readonly removeOperators?: number;
  /** New names for all inputs, or all outputs. */
  readonly inputNames?: readonly string[];
  readonly outputNames?: readonly string[];
}

/** A model in the Bolt dialect, and what the user should hear. */
export interface Converted {
  /** In float32; storing it as float16 is a step of its own. */
  readonly model: BoltModel;
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
  const inputShapes = fixInputs(onnx, { given: options.inputShapes ?? {}, rules, note });
  if (asBolt) await inferShapes(onnx, { inputShapes });
  else await prepare(onnx, inputShapes);
  const model = await lowerGraph(onnx, {
    version,
    rules,
    asBolt,
    name: nameOf(onnx, options, version),
    removeOperators: options.removeOperators ?? 0,
    note,
  });
  const shapes = inputShapesOf(model);
  await rewriteLowered(model, options);
  noteChangedInputs(model, shapes, note);
  if (!asBolt) await checkConverted(model, onnx);
  return { model, notes: [...notes].map(([text, count]) => (count === 1 ? text : `${text} (${count} times)`)) };
}

/** Runs X2bolt's rewrites on a model that was just lowered, and gives it the names that are asked for. */
export async function rewriteLowered(model: BoltModel, options: ConvertOptions): Promise<void> {
  await runX2boltPasses(model, { asBolt: options.asBolt ?? false, forQuantizer: options.precision === "PTQ" });
  rename(model, options);
}

/** Folds constants, rewrites what Bolt computes otherwise, and folds what came of that. */
async function prepare(onnx: OnnxModel, inputShapes: InputShapes): Promise<void> {
  sortNodes(onnx.main);
  await foldConstants(onnx, { inputShapes });
  await rewriteForBolt(onnx);
  await foldConstants(onnx, { inputShapes });
}

function inputShapesOf({ graph, inputDescriptions }: BoltModel): Map<BoltValue, string> {
  return new Map(
    graph.inputs.map((input, index) => [input, inputDescriptions[index]!.dimensions.toReversed().join(" x ")]),
  );
}

/** Says which inputs have another shape than the model's, because what changed it was folded into them, as Bolt does. */
function noteChangedInputs(
  model: BoltModel,
  before: ReadonlyMap<BoltValue, string>,
  note: (text: string) => void,
): void {
  for (const [input, shape] of inputShapesOf(model)) {
    const was = before.get(input) ?? shape;
    if (was !== shape) note(`the input "${input.name}" is taken as ${shape} instead of ${was}`);
  }
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
