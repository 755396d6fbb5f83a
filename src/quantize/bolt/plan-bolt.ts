import { scaleOfClip, stepOfScale } from "../../bolt/label.ts";
import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { rulesOf } from "../../bolt/rules.ts";
import { BoltqError } from "../../io/error.ts";
import { liveNodes } from "../../transform/bolt/pass.ts";
import type { OperatorPlan, Plan, PlanWarning, ValuePlan, WeightPlan } from "../plan.ts";
import type { Recipe } from "../recipe.ts";
import type { LayerClips, ScaleTable } from "../scale-table.ts";
import { checkScaleTable, labelGlobalClip, labelStatic } from "./label-table.ts";
import { findFirstConvolutions, isQuantizable, type Labels, labelDynamic } from "./labels.ts";
import type { PrepareBoltOptions, PreparedBolt } from "./prepare.ts";
import {
  type BoltInference,
  type BoltPrecision,
  type BoltStorage,
  computeType,
  isQuantizedInference,
  precisionFor,
} from "./recipe.ts";
import { recipeChoice, recipeWarnings } from "./recipe-choice.ts";
import { planWeights } from "./store-weights.ts";
import { weightWarnings } from "./weight-diagnostics.ts";

/** What to make of a prepared model; every setting has Bolt's default. */
export interface PlanBoltOptions extends PrepareBoltOptions {
  /** `-i`. Default INT8_FP16. */
  readonly inference?: BoltInference | undefined;
  /** `-q`. Default: as computed (INT8_*: MIX) in files of Bolt 1.5; NOQUANT in older ones, and for INT8_* with `asBolt`. */
  readonly storage?: BoltStorage | undefined;
  /** `-c`: clip the inputs of matrix operators to ±this. Default 0: do not. */
  readonly clip?: number;
  /** `-s`. */
  readonly scaleTable?: ScaleTable | undefined;
  /** For messages about the table. */
  readonly scaleTableFile?: string | undefined;
  /** Rules by type and name: which operators stay float, which compute in int8. Not together with `clip` or `scaleTable`. */
  readonly recipe?: Recipe | undefined;
  /** Label operators so that every int8 tensor can have a fixed scale: what changes numbers computes in float. Default false. */
  readonly staticScales?: boolean;
  /** Store a float operator's weight in float when int8 storage would err by more. Default 0.002 in files of 1.3.0, else none. */
  readonly errorThreshold?: number | undefined;
}

/** How the operators compute. */
interface Labelling {
  readonly labels: Labels;
  /** Of the operators whose scales are given. */
  readonly clips: ReadonlyMap<BoltNode, LayerClips>;
  readonly warnings: readonly PlanWarning[];
}

/**
 * Decides how every operator computes and every weight is stored: for dynamic int8, or with the clip values of `-c` or
 * `-s`. Nothing is changed. Throws BoltqError `usage` for words that do not go together, `mismatch` for a table that
 * names what the model lacks.
 */
export async function planBolt({ model }: PreparedBolt, options: PlanBoltOptions = {}): Promise<Plan> {
  const { fuseBatchNorm = true, asBolt = false } = options;
  const precision = precisionFor(model.version, options.inference, options.storage ?? storageOfBolt(options));
  const { labels, clips, warnings } = isLabelledFor(precision) ? labelled(model, options) : UNLABELLED;
  const inInt8 = (node: BoltNode) => (labels.get(node)?.label ?? "float") !== "float";
  const weights = await planWeights(model, precision, inInt8, { ...options, fromFile: true });
  return {
    format: "bolt",
    bolt: { inference: precision.inference, storage: precision.storage, fuseBatchNorm, asBolt },
    operators: liveNodes(model).map((node) => operatorPlan(node, labels, clips)),
    values: [...clips].flatMap(([node, layer]) => valuePlans(node, layer)),
    weights: weights.map((weight) => clipped(weight, clips)),
    biases: [],
    warnings: [
      ...warnings,
      ...(asBolt ? [] : floatWeights(weights, inInt8, precision, model)),
      ...(await weightWarnings(model, weights, precision, inInt8, wayOutOfFloat16(precision))),
    ],
    notes: [],
  };
}

function wayOutOfFloat16({ inference }: BoltPrecision): string {
  if (computeType(inference) === "F32") return "-q INT8 or MIX instead of FP16";
  return isQuantizedInference(inference) ? "-i INT8_FP32" : "-i FP32";
}

/** What Bolt's tools take for these words when they are given no storage. */
function storageOfBolt({ inference = "INT8_FP16", asBolt = false }: PlanBoltOptions): BoltStorage | undefined {
  return asBolt && inference.startsWith("INT8_") ? "NOQUANT" : undefined;
}

/** Bolt 1.5 quantizes float weights of int8 operators when it loads them, on x86 together with uninitialised padding. */
function floatWeights(
  weights: readonly WeightPlan[],
  inInt8: (node: BoltNode) => boolean,
  { rules }: BoltPrecision,
  model: BoltModel,
): PlanWarning[] {
  if (rules === "1.3.0") return [];
  const computing = new Set(liveNodes(model).flatMap((node) => (inInt8(node) ? [node.name] : [])));
  return weights
    .filter(({ operator, type }) => computing.has(operator) && (type === "float32" || type === "float16"))
    .map(({ operator }) => ({
      kind: "float-weight-of-int8-operator",
      subject: `weight of "${operator}"`,
      problem:
        "it is stored as float, so Bolt's engine quantizes it when it loads, on x86 wrongly where channels are padded",
      remedy: "Leave out -q, or give -q MIX or INT8",
    }));
}

const UNLABELLED: Labelling = { labels: new Map(), clips: new Map(), warnings: [] };

/** Whether the operators of the file say how they compute. Bolt 1.3.0 labels float networks too. */
export function isLabelledFor({ rules, inference }: BoltPrecision): boolean {
  return rules === "1.3.0" || isQuantizedInference(inference);
}

function labelled(model: BoltModel, options: PlanBoltOptions): Labelling {
  if (options.recipe !== undefined && ((options.clip ?? 0) > 0 || options.scaleTable !== undefined)) {
    throw new BoltqError("usage", "a recipe does not go together with clip values (-c, -s)", {
      remedy: "Give one of them",
    });
  }
  const { clip = 0, asBolt = false } = options;
  const table = asBolt ? asBoltReads(options.scaleTable, model) : options.scaleTable;
  if (table !== undefined && !asBolt) checkScaleTable(table, model, options.scaleTableFile ?? "(scale table)");
  if (table?.kind === "static") return labelStatic(model, table.layers);
  if (clip > 0) return { ...labelClipped(model, clip, asBolt), warnings: [] };
  const { recipe, staticScales = false } = options;
  const choice = recipe === undefined ? table?.choice : recipeChoice(recipe, model);
  return {
    labels: labelDynamic(model, {
      choice,
      staticScales,
      int8ToFloatReaders: recipe === undefined && !staticScales,
    }),
    clips: new Map(),
    warnings: recipe === undefined ? [] : recipeWarnings(recipe, model),
  };
}

/** Bolt 1.3.0 knows no dynamic tables: it takes one for a table that names no layer. */
function asBoltReads(table: ScaleTable | undefined, model: BoltModel): ScaleTable | undefined {
  return table?.kind === "dynamic" && rulesOf(model.version) === "1.3.0"
    ? { kind: "static", layers: new Map() }
    : table;
}

function labelClipped(model: BoltModel, clip: number, asBolt: boolean): Omit<Labelling, "warnings"> {
  if (!Number.isFinite(clip)) throw new BoltqError("usage", `inputs cannot be clipped to ±${clip}`);
  const first = findFirstConvolutions(model);
  const isQuantized = (node: BoltNode) => !first.has(node) && isQuantizable(node, model);
  if (asBolt && model.graph.nodes.some(isQuantized)) {
    throw new BoltqError("unsupported", "Bolt's tool refuses -c for every network with a quantized operator", {
      remedy: "Leave out --as-bolt",
    });
  }
  return labelGlobalClip(model, clip, isQuantized);
}

function operatorPlan(node: BoltNode, labels: Labels, clips: Labelling["clips"]): OperatorPlan {
  const labelled = labels.get(node);
  return {
    name: node.name,
    type: node.type,
    precision: (labelled?.label ?? "float") === "float" ? "float" : "int8",
    label: labelled?.label,
    static: clips.has(node) ? true : undefined,
    reason: labelled?.reason ?? "",
  };
}

function valuePlans(node: BoltNode, { inputs, outputs }: LayerClips): ValuePlan[] {
  const plan = (names: readonly string[], clips: ReadonlyMap<string, number>, made: boolean) =>
    names.flatMap((name): ValuePlan[] => {
      const clip = clips.get(name);
      return clip === undefined ? [] : [int8Value(node.name, name, made, { clip, method: "table", reason: TABLE })];
    });
  const read = [...new Set(node.inputs.map((input) => input?.name ?? ""))];
  return [
    ...plan(read, inputs, false),
    ...plan(
      node.outputs.map(({ name }) => name),
      outputs,
      true,
    ),
  ];
}

const TABLE = "its clip value was given";

/** The clip value of an int8 tensor and where it comes from. */
export interface Int8Value
  extends Pick<ValuePlan, "method" | "reason">,
    Partial<Pick<ValuePlan, "clipped" | "zeroed">> {
  readonly clip: number;
}

/** The plan for an input (or, `made`, an output) of an int8 operator: symmetric, as Bolt has it. */
export function int8Value(operator: string, name: string, made: boolean, value: Int8Value): ValuePlan {
  const { clip, method, reason, clipped, zeroed } = value;
  return {
    name,
    operator,
    made,
    type: "int8",
    scale: stepOfScale(scaleOfClip(clip)),
    zeroPoint: 0,
    granularity: "per-tensor",
    low: -clip,
    high: clip,
    method,
    clipped,
    zeroed,
    reason,
  };
}

function clipped(weight: WeightPlan, clips: Labelling["clips"]): WeightPlan {
  const layer = [...clips].find(([node]) => node.name === weight.operator)?.[1];
  const [clip] = layer?.weights.values() ?? [];
  return clip === undefined ? weight : { ...weight, clip };
}
