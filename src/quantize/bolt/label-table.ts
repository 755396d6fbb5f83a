import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { rulesOf } from "../../bolt/rules.ts";
import { BoltqError } from "../../io/error.ts";
import { type LayerClips, type ScaleTable, tableError } from "../scale-table.ts";
import { clippedWeight } from "./convert-weight.ts";
import { LABEL, labelRules, liveNodes, type Reasons, setLabel } from "./labels.ts";

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

export interface StaticOptions {
  readonly asBolt: boolean;
}

/**
 * Gives the operators that the table names a scale for each input and output (127 / clip; -2 where it has no clip value)
 * and clips their weights; all others compute in float. Operators that always stay float are passed over.
 */
export function labelStatic(
  model: BoltModel,
  layers: ReadonlyMap<string, LayerClips>,
  reasons: Reasons,
  warnings: string[],
  { asBolt }: StaticOptions,
): void {
  const { floatAround } = labelRules(model);
  const newer = rulesOf(model.version) === "1.5";
  for (const node of liveNodes(model)) {
    const isWeight = newer && node.type === "SharedWeight";
    if (!isWeight && node.data.scales.length === 1 && node.data.scales[0]![0] === LABEL.float) {
      if (layers.has(node.name))
        warnings.push(`"${node.name}" (${node.type}) stays float: ${reasons.get(node) ?? "it cannot be quantized"}`);
      continue;
    }
    const clips = layers.get(node.name);
    if (clips === undefined) {
      setLabel(node, LABEL.float);
      reasons.set(node, "not named in the scale table");
      continue;
    }
    if (node.data.scales.length === 0) warnings.push(`"${node.name}" (${node.type}) may not be quantized`);
    const missing = floatAround.has(node.type) ? LABEL.floatAround : LABEL.int8ToFloat;
    node.data.scales = slotsOf(node, clips, missing, asBolt);
    clipWeight(model, node, clips);
    reasons.set(node, "named in the scale table");
  }
  if (!asBolt) warnOfInt8Readers(model, warnings);
}

function slotsOf(node: BoltNode, clips: LayerClips, missing: number, asBolt: boolean): Float32Array[] {
  const slots = Array.from({ length: node.inputs.length + node.outputs.length }, () => Float32Array.of(missing));
  node.inputs.forEach((input, index) => {
    const clip = clips.inputs.get(input?.name ?? "");
    if (clip !== undefined) slots[index] = Float32Array.of(127 / clip);
  });
  node.outputs.forEach((output, index) => {
    const clip = clips.outputs.get(output.name);
    // Bolt puts an output's scale into the slot of the input with the same number.
    if (clip !== undefined) slots[asBolt ? index : node.inputs.length + index] = Float32Array.of(127 / clip);
  });
  return slots;
}

function clipWeight(model: BoltModel, node: BoltNode, { weights }: LayerClips): void {
  const record = model.weights.of(node);
  const [limit] = weights.values();
  if (limit === undefined || record === undefined) return;
  record.weight = clippedWeight(record, limit);
  if (node.type === "SharedWeight") node.data.scales = [Float32Array.of(127 / limit), ...node.data.scales.slice(1)];
}

/** An int8 output suits readers that take int8; others need an engine that converts it back. */
function warnOfInt8Readers(model: BoltModel, warnings: string[]): void {
  for (const node of liveNodes(model)) {
    const last = node.data.scales.at(-1);
    if (node.data.scales.length < 2 || last === undefined || !(last[0]! > 0)) continue;
    const output = node.output();
    const reader = output.users.find((user) => user.data.scales[0]?.[0] === LABEL.float);
    if (reader === undefined && !model.graph.outputs.includes(output)) continue;
    const who =
      reader === undefined ? "it is an output of the network" : `"${reader.name}" (${reader.type}) computes in float`;
    warnings.push(`the output "${output.name}" of "${node.name}" is int8, as the scale table asks, but ${who}`);
  }
}

/** Gives every quantized operator's inputs the scale 127 / `clip`; outputs stay float (`-c`). */
export function labelGlobalClip(
  model: BoltModel,
  clip: number,
  reasons: Reasons,
  isQuantized: (node: BoltNode) => boolean,
): void {
  const scale = Math.fround(127 / Math.fround(clip));
  for (const node of liveNodes(model)) {
    if (!isQuantized(node)) {
      setLabel(node, LABEL.float);
      continue;
    }
    node.data.scales = [
      ...node.inputs.map(() => Float32Array.of(scale)),
      ...node.outputs.map(() => Float32Array.of(LABEL.int8ToFloat)),
    ];
    reasons.set(node, `a matrix operator, inputs clipped to ±${clip}`);
  }
}
