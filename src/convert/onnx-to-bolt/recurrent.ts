import { floatsWhenRead } from "../../bolt/lazy-floats.ts";
import { elementCount } from "../../graph/tensor.ts";
import { NO_BYTES } from "../../io/bytes.ts";
import { intAttribute, textAttribute } from "../../onnx/attributes.ts";
import type { OnnxNode, OnnxTensor } from "../../onnx/model.ts";
import { float32Of } from "../../onnx/tensor-data.ts";
import { constantInput, dynamicInputs, type Lower, type LoweredWeight, requireConstant } from "./lowering.ts";

interface Cell {
  readonly mode: string;
  /** ONNX's gates in the order in which Bolt stores them. */
  readonly order: readonly number[];
  /** The hidden part of the last gate has a bias of its own: Bolt stores it behind the sums of the others. */
  readonly splitsBias: boolean;
}

/** ONNX has LSTM gates as input, output, forget, cell; Bolt stores input, cell, forget, output. */
function cellOf(node: OnnxNode): Cell {
  if (node.type === "RNN") return { mode: "RNN", order: [0], splitsBias: false };
  if (node.type === "LSTM") return { mode: "LSTM", order: [0, 3, 2, 1], splitsBias: false };
  const splitsBias = intAttribute(node, "linear_before_reset", 0) !== 0;
  return { mode: splitsBias ? "GRU_LBR" : "GRU", order: [0, 1, 2], splitsBias };
}

const INITIAL_STATES = 5;

/** Bolt takes the first axis of the input as the batch: the layer is one of ONNX's layout 1, unless as Bolt. */
const lowerRecurrent: Lower = async (node, { asBolt }) => {
  const cell = cellOf(node);
  const states = node.inputs.slice(INITIAL_STATES).filter((state) => state !== undefined);
  return [
    {
      type: "RNN",
      inputs: asBolt ? dynamicInputs(node) : [node.input(0), ...states],
      parameters: {
        mode: cell.mode,
        num_outputs: intAttribute(node, "hidden_size", 1),
        bi_direction: textAttribute(node, "direction", "forward") === "bidirectional" ? 1 : 0,
        activation_type: "TANH",
      },
      weight: layerWeight(node, cell),
    },
  ];
};

/** One row for each gate's unit: its weights for the input, then those for the hidden state. */
function layerWeight(node: OnnxNode, cell: Cell): LoweredWeight {
  const input = requireConstant(node, 1, "weight");
  const hidden = requireConstant(node, 2, "recurrence weight");
  const bias = constantInput(node, 3);
  const count = elementCount(input.shape) + elementCount(hidden.shape);
  return {
    dataType: "F32",
    weight: floatsWhenRead(count, async () => weightRows(await float32Of(input), await float32Of(hidden), input, cell)),
    vector: bias === undefined ? NO_BYTES : layerBias(bias, input, cell),
  };
}

function weightRows(input: Float32Array, hidden: Float32Array, { shape }: OnnxTensor, cell: Cell): Float32Array {
  const [directions, gateRows, features] = shape as [number, number, number];
  const units = gateRows / cell.order.length;
  const rows = new Float32Array(input.length + hidden.length);
  let end = 0;
  const append = (part: Float32Array) => {
    rows.set(part, end);
    end += part.length;
  };
  for (let direction = 0; direction < directions; direction++) {
    for (const gate of cell.order) {
      for (let unit = 0; unit < units; unit++) {
        const row = direction * gateRows + gate * units + unit;
        append(input.subarray(row * features, (row + 1) * features));
        append(hidden.subarray(row * units, (row + 1) * units));
      }
    }
  }
  return rows;
}

/** The sums of input and hidden bias; where the last gate's are apart, its input bias and behind it its hidden one. */
function layerBias(bias: OnnxTensor, { shape }: OnnxTensor, { order, splitsBias }: Cell) {
  const [directions, gateRows] = shape as [number, number];
  const units = gateRows / order.length;
  const count = directions * (gateRows + (splitsBias ? units : 0));
  return floatsWhenRead(count, async () => {
    const values = await float32Of(bias);
    const stored: number[] = [];
    for (let direction = 0; direction < directions; direction++) {
      const part = (half: number, gate: number) => {
        const start = (2 * direction + half) * gateRows + gate * units;
        return values.subarray(start, start + units);
      };
      order.forEach((gate, place) => {
        const [own, hidden] = [part(0, gate), part(1, gate)];
        if (splitsBias && place === order.length - 1) stored.push(...own, ...hidden);
        else for (let unit = 0; unit < units; unit++) stored.push(own[unit]! + hidden[unit]!);
      });
    }
    return Float32Array.from(stored);
  });
}

export const RECURRENT: Readonly<Record<string, Lower>> = {
  LSTM: lowerRecurrent,
  GRU: lowerRecurrent,
  RNN: lowerRecurrent,
};
