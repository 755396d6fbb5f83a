import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { Parameters } from "../../bolt/parameters.ts";
import { rulesOf } from "../../bolt/rules.ts";
import { Value } from "../../graph/graph.ts";
import { newName } from "../../transform/bolt/new-name.ts";
import { RETIRED, retire } from "../../transform/bolt/pass.ts";
import { LABEL, lastScale } from "./labels.ts";

/** Bolt 1.3.0 never quantizes what these read. */
const INDEXING = new Set(["Gather", "Embedding"]);

/** Puts a QuantizeLinear before every input of an int8 operator that is not int8 yet; one serves all that agree. */
export function insertQuantizeLinear(model: BoltModel): void {
  const older = rulesOf(model.version) === "1.3.0";
  let place = 0;
  for (const node of model.graph.nodes) {
    if (takesInt8(node) && !(older && INDEXING.has(node.type))) {
      for (const index of node.inputs.keys())
        if (needsQuantizing(node, index)) insertBefore(node, index, place++, model);
    }
    place++;
  }
  mergeQuantizeLinear(model);
}

function takesInt8(node: BoltNode): boolean {
  const [first] = node.data.scales;
  if (node.type === RETIRED || first === undefined) return false;
  if (first[0] === LABEL.float || first[0] === LABEL.floatAround) return false;
  return node.data.scales[node.inputs.length]?.[0] !== LABEL.floatAround;
}

/** A positive scale is that of an int8 output; a shared weight's is that of its own int8 storage, which is not that. */
function needsQuantizing(node: BoltNode, index: number): boolean {
  const producer = node.inputs[index]?.producer;
  const scale = producer === undefined ? LABEL.float : (lastScale(producer) ?? LABEL.float);
  return scale > 0 ? producer?.type === "SharedWeight" : scale !== LABEL.int8;
}

function insertBefore(node: BoltNode, index: number, place: number, model: BoltModel): void {
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
      scales: [scaleFor(node, index)],
      positions: undefined,
      residues: new Map<string, Uint8Array>(),
    },
  };
  const producer = input.producer;
  if (producer === undefined || rulesOf(model.version) === "1.3.0") model.graph.insertBefore(node, init);
  else model.graph.insertAfter(producer, init);
  node.setInput(index, quantized);
}

/** The static scale of that input where the operator has one for each input and output, else the label "dynamic". */
function scaleFor(node: BoltNode, index: number): Float32Array {
  const { scales } = node.data;
  return scales.length === node.inputs.length + node.outputs.length
    ? scales[index]!.slice()
    : Float32Array.of(LABEL.int8);
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
