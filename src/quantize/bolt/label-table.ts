import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { rulesOf } from "../../bolt/rules.ts";
import { BoltqError } from "../../io/error.ts";
import { liveNodes } from "../../transform/bolt/pass.ts";
import type { PlanWarning } from "../plan.ts";
import { type LayerClips, type ScaleTable, tableError } from "../scale-table.ts";
import { type Labels, labelMatrixOperators, labelRules } from "./labels.ts";

/** Throws `mismatch` when the table names a layer or tensor that the model lacks, with the nearest names it has. */
export function checkScaleTable(table: ScaleTable, model: BoltModel, file: string): void {
  const nodes = new Map(liveNodes(model).map((node) => [node.name, node]));
  const named = table.kind === "static" ? [...table.layers.keys()] : [...table.choice.quantized, ...table.choice.float];
  for (const name of named) if (!nodes.has(name)) throw unknownName(file, `layer "${name}"`, name, [...nodes.keys()]);
  if (table.kind === "dynamic") return;
  for (const [name, clips] of table.layers) checkLayer(nodes.get(name)!, clips, model, file);
}

function checkLayer(node: BoltNode, { inputs, weights, outputs }: LayerClips, model: BoltModel, file: string): void {
  const sides = [
    [inputs, node.inputs.map((input) => input?.name ?? ""), "input"],
    [outputs, node.outputs.map((output) => output.name), "output"],
  ] as const;
  for (const [clips, names, what] of sides) {
    for (const tensor of clips.keys())
      if (!names.includes(tensor))
        throw unknownName(file, `${what} "${tensor}" of the layer "${node.name}"`, tensor, names);
  }
  if (weights.size > 1)
    throw tableError(
      file,
      `the layer "${node.name}" has one weight, but the table has clip values for ${weights.size}`,
    );
  if (weights.size === 1 && model.weights.of(node) === undefined) {
    throw new BoltqError("mismatch", `the layer "${node.name}" has no weight to clip`, {
      file,
      remedy: 'Remove its "weights" from the table',
    });
  }
}

function unknownName(file: string, what: string, name: string, known: readonly string[]): BoltqError {
  const near = nearestNames(name, known);
  const remedy =
    near.length === 0 ? "It has none at all" : `Its nearest names are ${near.map((one) => `"${one}"`).join(", ")}`;
  return new BoltqError("mismatch", `the scale table names the ${what}, which the model does not have`, {
    file,
    remedy,
  });
}

/** The three of `known` that take the fewest edits to become `name`. */
function nearestNames(name: string, known: readonly string[]): string[] {
  const ranked = known.map((one) => ({ one, edits: distance(name.slice(0, LONGEST_NAME), one) }));
  ranked.sort((first, second) => first.edits - second.edits);
  return ranked.slice(0, 3).map(({ one }) => one);
}

/** Bolt's names end here; a table may hold anything. */
const LONGEST_NAME = 128;

/** Edits that make one name of the other (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const changed = row[j - 1]! + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(changed, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[other.length]!;
}

/** What a scale table makes of a network: labels, and the clip values of the operators that it names. */
export interface StaticLabels {
  readonly labels: Labels;
  /** By operator; these have a scale for each input and output instead of a label. */
  readonly clips: ReadonlyMap<BoltNode, LayerClips>;
  readonly warnings: readonly PlanWarning[];
}

/**
 * Quantizes the operators that the table names with its clip values; all others compute in float. Operators that always
 * stay float are passed over.
 */
export function labelStatic(model: BoltModel, layers: ReadonlyMap<string, LayerClips>): StaticLabels {
  const labels = labelMatrixOperators(model);
  const { floatAround } = labelRules(model);
  const newer = rulesOf(model.version) === "1.5";
  const clips = new Map<BoltNode, LayerClips>();
  const warnings: PlanWarning[] = [];
  for (const node of liveNodes(model)) {
    const layer = layers.get(node.name);
    const own = labels.get(node);
    if (own?.label === "float" && !(newer && node.type === "SharedWeight")) {
      if (layer !== undefined) warnings.push(staysFloat(node, own.reason));
    } else if (layer === undefined) {
      labels.set(node, { label: "float", reason: "not named in the scale table" });
    } else {
      if (own === undefined) warnings.push(mayNotBeQuantized(node));
      const label = floatAround.has(node.type) ? "float-around" : "int8-to-float";
      labels.set(node, { label, reason: "named in the scale table" });
      clips.set(node, node.type === "SharedWeight" ? ofSharedWeight(node, layer) : layer);
    }
  }
  return { labels, clips, warnings: [...warnings, ...int8ReadAsFloat(model, labels, clips)] };
}

/** What a shared weight gives is the weight itself. */
function ofSharedWeight(node: BoltNode, layer: LayerClips): LayerClips {
  const [limit] = layer.weights.values();
  return limit === undefined ? layer : { ...layer, outputs: new Map([[node.output().name, limit]]) };
}

function staysFloat({ name, type }: BoltNode, reason: string): PlanWarning {
  return {
    kind: "stays-float",
    subject: `operator "${name}" (${type})`,
    problem: `it is named in the scale table, but stays float: ${reason}`,
    remedy: "Take it out of the table",
  };
}

function mayNotBeQuantized({ name, type }: BoltNode): PlanWarning {
  return {
    kind: "may-not-be-quantized",
    subject: `operator "${name}" (${type})`,
    problem: "it is named in the scale table, but Bolt may compute it in float all the same",
    remedy: "Name the matrix operators only",
  };
}

/** An int8 output suits readers that take int8; others need an engine that converts it back. */
function int8ReadAsFloat(
  model: BoltModel,
  labels: Labels,
  clips: ReadonlyMap<BoltNode, LayerClips>,
): readonly PlanWarning[] {
  return [...clips].flatMap(([node, { outputs }]): PlanWarning[] => {
    const output = node.output();
    if (node.type === "SharedWeight" || !outputs.has(output.name)) return [];
    const reader = output.users.find((user) => labels.get(user)?.label === "float");
    if (reader === undefined && !model.graph.outputs.includes(output)) return [];
    const who =
      reader === undefined ? "it is an output of the network" : `"${reader.name}" (${reader.type}) computes in float`;
    return [
      {
        kind: "int8-read-as-float",
        subject: `output "${output.name}" of "${node.name}"`,
        problem: `it is int8, as the scale table asks, but ${who}`,
        remedy: "Take it out of the table's outputs",
      },
    ];
  });
}

/** Every quantized operator clips its inputs to ±`clip` and gives float (`-c`); all others compute in float. */
export function labelGlobalClip(
  model: BoltModel,
  clip: number,
  isQuantized: (node: BoltNode) => boolean,
): Omit<StaticLabels, "warnings"> {
  const labels: Labels = new Map();
  const clips = new Map<BoltNode, LayerClips>();
  const limit = Math.fround(clip);
  for (const node of liveNodes(model)) {
    const quantized = isQuantized(node);
    labels.set(
      node,
      quantized
        ? { label: "int8-to-float", reason: `a matrix operator, inputs clipped to ±${clip}` }
        : { label: "float", reason: "no matrix operator that Bolt quantizes" },
    );
    if (!quantized) continue;
    const inputs = new Map(node.inputs.map((input) => [input?.name ?? "", limit]));
    clips.set(node, { inputs, weights: new Map(), outputs: new Map() });
  }
  return { labels, clips };
}
