import { floatsOf, floatsWhenRead } from "../../bolt/lazy-floats.ts";
import type { BoltModel, BoltNode, BoltWeight } from "../../bolt/model.ts";
import { newNodeData } from "../../bolt/new-model.ts";
import { Value } from "../../graph/graph.ts";
import type { Bytes } from "../../io/bytes.ts";
import { BoltqError } from "../../io/error.ts";
import { newName } from "./new-name.ts";
import type { PassOptions } from "./pass.ts";

/** Rows of a layer's weight are brought to multiples of this. */
const ALIGNMENT = 32;

const GATES: Readonly<Record<string, number>> = { LSTM: 4, GRU: 3, GRU_LBR: 3 };

/**
 * Pads the units of recurrent layers with units that stay zero, and cuts the output (RNNOptimizer). Bolt cuts only the
 * sequence, and takes both directions for one: unless as Bolt, layers with states or of two directions stay as they are.
 */
export async function padRecurrent(model: BoltModel, { asBolt }: PassOptions): Promise<boolean> {
  let changed = false;
  for (const layer of model.graph.nodes) {
    if (layer.type !== "RNN") continue;
    const { parameters } = layer.data;
    const isPlain = layer.inputs.length === 1 && layer.outputs.length === 1 && parameters.number("bi_direction") === 0;
    if (!asBolt && !isPlain) continue;
    changed = pad(model, layer) || changed;
  }
  return changed;
}

function pad(model: BoltModel, layer: BoltNode): boolean {
  const { parameters } = layer.data;
  const mode = parameters.name("mode");
  const gates = GATES[mode];
  if (gates === undefined) {
    throw new BoltqError("unsupported", `Bolt cannot pad a layer of the kind ${mode}`, {
      subject: `operator "${layer.name}" (RNN)`,
    });
  }
  const units = parameters.number("num_outputs");
  const record = model.weights.of(layer);
  const together = mode === "GRU_LBR" ? 1 : gates;
  const enough = Math.floor((ALIGNMENT * Math.ceil((units * together) / ALIGNMENT)) / together);
  if (units === enough || units === 0 || record === undefined || parameters.number("num_projection") > 0) return false;
  const padded = ALIGNMENT * Math.ceil(units / ALIGNMENT);
  const directions = parameters.number("bi_direction") === 0 ? 1 : 2;
  padWeight(record, { rows: directions * gates * units, units, padded });
  parameters.set("num_outputs", padded);
  cutOutput(model, layer, units);
  return true;
}

interface Sizes {
  /** Rows of the weight, those of a gate's units one after the other. */
  readonly rows: number;
  readonly units: number;
  readonly padded: number;
}

/** A row ends with the weights for the units, which become more; so do the rows of each gate, and its biases. */
function padWeight(record: BoltWeight, { rows, units, padded }: Sizes): void {
  const width = Math.floor(record.weight.length / 4 / rows);
  record.weight = spread(record.weight, { width, units, padded, newWidth: width - units + padded });
  record.vector = spread(record.vector, { width: 1, units, padded, newWidth: 1 });
}

interface Spread {
  readonly width: number;
  readonly units: number;
  readonly padded: number;
  readonly newWidth: number;
}

/** Rows of `width` numbers, in groups of `units`, as rows of `newWidth` in groups of `padded`, with zeros between. */
function spread(bytes: Bytes, { width, units, padded, newWidth }: Spread): Bytes {
  const rows = Math.floor(bytes.length / 4 / width);
  return floatsWhenRead((rows / units) * padded * newWidth, async () => {
    const values = floatsOf(await bytes.read());
    const all = new Float32Array((rows / units) * padded * newWidth);
    for (let row = 0; row < rows; row++) {
      const newRow = Math.floor(row / units) * padded + (row % units);
      all.set(values.subarray(row * width, (row + 1) * width), newRow * newWidth);
    }
    return all;
  });
}

/** The network goes on with the value it knew; the layer gives a wider one, to be cut. */
function cutOutput(model: BoltModel, layer: BoltNode, units: number): void {
  const name = newName(model, `${layer.name}_slice`);
  const [output, ...states] = layer.outputs;
  const uncut = new Value<BoltNode["data"]>(name);
  layer.setOutputs([uncut, ...states]);
  const data = newNodeData("TfSlice", model.version, {
    begin: [0, 0, 0],
    end: [-1, -1, units],
    strides: [1, 1, 1],
    begin_mask: [1, 1, 1],
    end_mask: [1, 1, 0],
    num_dims: 3,
  });
  model.graph.insertAfter(layer, { name, type: "TfSlice", inputs: [uncut], outputs: [output!], data });
}
