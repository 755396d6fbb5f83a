import { firstSlot, hasSlots, isLabelled, lastSlot, type Slot, scalesOf, slotAt } from "../../bolt/label.ts";
import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { Parameters } from "../../bolt/parameters.ts";
import { rulesOf } from "../../bolt/rules.ts";
import { Value } from "../../graph/graph.ts";
import { newName } from "../../transform/bolt/new-name.ts";
import { RETIRED, retire } from "../../transform/bolt/pass.ts";

/** Bolt 1.3.0 never quantizes what these read. */
const INDEXING = new Set(["Gather", "Embedding"]);

/** The static scale of an operator's input; undefined where it is found at each run. */
export type InputScale = (node: BoltNode, index: number) => number | undefined;

/** Puts a QuantizeLinear before every input of an int8 operator that is not int8 yet; one serves all that agree. */
export function insertQuantizeLinear(model: BoltModel, scaleOf: InputScale): void {
  const older = rulesOf(model.version) === "1.3.0";
  let place = 0;
  for (const node of model.graph.nodes) {
    if (takesInt8(node) && !(older && INDEXING.has(node.type))) {
      for (const index of node.inputs.keys())
        if (needsQuantizing(node, index)) insertBefore(node, index, place++, model, scaleOf);
    }
    place++;
  }
  mergeQuantizeLinear(model);
}

function takesInt8(node: BoltNode): boolean {
  if (node.type === RETIRED || !isLabelled(node)) return false;
  const first = firstSlot(node);
  if (first === "float" || first === "float-around") return false;
  return slotAt(node, node.inputs.length) !== "float-around";
}

/** A positive scale is that of an int8 output; a shared weight's is that of its own int8 storage, which is not that. */
function needsQuantizing(node: BoltNode, index: number): boolean {
  const producer = node.inputs[index]?.producer;
  const slot = producer === undefined ? "float" : (lastSlot(producer) ?? "float");
  return typeof slot === "number" ? producer?.type === "SharedWeight" : slot !== "int8";
}

function insertBefore(node: BoltNode, index: number, place: number, model: BoltModel, scaleOf: InputScale): void {
  const input = node.input(index);
  const name = newName(model, `Quantize_${input.name}${place}`);
  const quantized = new Value<BoltNode["data"]>(name);
  const init = {
    name,
    type: "QuantizeLinear",
    inputs: [input],
    outputs: [quantized],
    data: {
      parameters: Parameters.of("QuantizeLinear", model.version, {
        dt: node.type === "MatMul" && index === 1 ? "I8" : "U8_Q",
      }),
      scales: scalesOf([slotFor(node, index, scaleOf)]),
      positions: undefined,
      residues: new Map<string, Uint8Array>(),
    },
  };
  const producer = input.producer;
  if (producer === undefined || rulesOf(model.version) === "1.3.0") model.graph.insertBefore(node, init);
  else model.graph.insertAfter(producer, init);
  node.setInput(index, quantized);
}

/** The planned scale; else the slot of that input where the operator has one for each, else "dynamic". */
function slotFor(node: BoltNode, index: number, scaleOf: InputScale): Slot {
  return scaleOf(node, index) ?? (hasSlots(node) ? slotAt(node, index) : undefined) ?? "int8";
}

function mergeQuantizeLinear(model: BoltModel): void {
  for (const node of model.graph.nodes) {
    if (node.outputs.length !== 1) continue;
    const byScale = new Map<number, BoltNode>();
    for (const reader of node.output().users) {
      if (reader.type !== "QuantizeLinear") continue;
      const scale = reader.data.scales[0]![0]!;
      const first = byScale.get(scale);
      if (first === undefined) byScale.set(scale, reader);
      else {
        model.graph.replaceUses(reader.output(), first.output());
        retire(model, reader, false);
      }
    }
  }
}
