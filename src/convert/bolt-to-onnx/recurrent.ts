import { readWeightValues } from "../../bolt/weight-values.ts";
import { elementCount } from "../../graph/tensor.ts";
import type { OnnxValue } from "../../onnx/model.ts";
import { countOf } from "../graph-builder.ts";
import type { RaiseContext, Raised, RaiseTable } from "./raise-context.ts";
import { reshaped, transposed } from "./shape-operators.ts";
import { vectorValues } from "./weights.ts";

interface Cell {
  readonly type: "RNN" | "LSTM" | "GRU";
  /** For each gate in ONNX's order, its place in Bolt's. */
  readonly order: readonly number[];
  /** The hidden part of the last gate has a bias of its own (GRU with the linear map before the reset). */
  readonly splitsBias: boolean;
}

/** Bolt stores LSTM gates as input, cell, forget, output; ONNX wants input, output, forget, cell. */
const CELLS: Readonly<Record<string, Cell>> = {
  RNN: { type: "RNN", order: [0], splitsBias: false },
  LSTM: { type: "LSTM", order: [0, 3, 2, 1], splitsBias: false },
  GRU: { type: "GRU", order: [0, 1, 2], splitsBias: false },
  GRU_LBR: { type: "GRU", order: [0, 1, 2], splitsBias: true },
};
const FORGET_GATE = 2;

interface Sizes {
  readonly directions: number;
  readonly hidden: number;
  readonly features: number;
}

/**
 * Recurrent layers. Bolt's input is batch × time × features, and its weight one matrix of rows (input part, hidden
 * part) for each gate's units; the directions lie side by side in the output.
 */
async function raiseRecurrent(context: RaiseContext): Promise<Raised> {
  const { parameters } = context;
  const cell = CELLS[parameters.name("mode")]!;
  refuseUnknown(context);
  const given = context.input();
  const shape = context.staticShapeOf(given);
  const [batch, steps] = shape as [number, number];
  const features = shape.slice(2).reduce((product, size) => product * size, 1);
  const input = shape.length === 3 ? given : reshaped(context, given, [batch, steps, features], "flat");
  const hidden = parameters.number("num_outputs");
  const directions = parameters.number("bi_direction") === 0 ? 1 : 2;
  const sizes = { directions, hidden, features };
  const weights = await weightsOf(context, cell, sizes);
  const bias = await biasOf(context, cell, sizes);
  const stateShape = [directions, batch, hidden];
  const outputs = context.builder.addMany(
    cell.type,
    [transposed(context, input, [1, 0, 2], "timeFirst"), ...weights, bias, undefined, ...statesOf(context, stateShape)],
    {
      name: `${context.name}/cell`,
      attributes: {
        hidden_size: hidden,
        direction: directions === 2 ? "bidirectional" : "forward",
        linear_before_reset: cell.splitsBias ? 1 : undefined,
      },
      outputs: cell.type === "LSTM" ? 3 : 2,
    },
  );
  const batchFirst = transposed(context, outputs[0]!, [2, 0, 1, 3], "batchFirst");
  const states = outputs.slice(1, context.node.outputs.length).map((state, index) => {
    const byBatch = transposed(context, state, [1, 0, 2], `state${index}`);
    return reshaped(context, byBatch, [batch, directions * hidden], `flatState${index}`);
  });
  return [reshaped(context, batchFirst, [batch, steps, directions * hidden]), ...states];
}

function refuseUnknown(context: RaiseContext): void {
  const { parameters } = context;
  if (parameters.number("steps") < 0) context.fail("unsupported", "a single recurrent step cannot be run");
  const special = (["num_projection", "zoneout_cell", "zoneout_output"] as const).find(
    (field) => parameters.number(field) !== 0,
  );
  if (special !== undefined) context.fail("unsupported", `its ${special} cannot be run`);
  if (parameters.name("mode") === "LSTM" && context.node.outputs.length === 2) {
    context.fail("unsupported", "its state as one output cannot be run");
  }
}

/** Input and hidden weights, directions × gates·hidden × (features | hidden). */
async function weightsOf(
  context: RaiseContext,
  cell: Cell,
  { directions, hidden, features }: Sizes,
): Promise<OnnxValue[]> {
  const gates = cell.order.length;
  const values = await readWeightValues(context.weight);
  const width = features + hidden;
  if (values.length < directions * gates * hidden * width) context.fail("format", "its weight is too short");
  const rows = directions * gates * hidden;
  const inputPart = new Float32Array(rows * features);
  const hiddenPart = new Float32Array(rows * hidden);
  for (let row = 0; row < rows; row++) {
    const direction = Math.floor(row / (gates * hidden));
    const gate = Math.floor(row / hidden) % gates;
    const source = ((direction * gates + cell.order[gate]!) * hidden + (row % hidden)) * width;
    inputPart.set(values.subarray(source, source + features), row * features);
    hiddenPart.set(values.subarray(source + features, source + width), row * hidden);
  }
  return [
    context.floats("inputWeight", inputPart, [directions, gates * hidden, features]),
    context.floats("hiddenWeight", hiddenPart, [directions, gates * hidden, hidden]),
  ];
}

/** Input biases, then hidden biases: Bolt stores their sum, except where the hidden one is apart. */
async function biasOf(context: RaiseContext, cell: Cell, { directions, hidden }: Sizes): Promise<OnnxValue> {
  const gates = cell.order.length;
  const stored = gates + (cell.splitsBias ? 1 : 0);
  const values = await vectorValues(context.record, directions * stored * hidden);
  const bias = new Float32Array(directions * 2 * gates * hidden);
  const forget = cell.type === "LSTM" ? context.parameters.number("forget_bias") : 0;
  for (let direction = 0; direction < directions; direction++) {
    const base = direction * 2 * gates * hidden;
    const part = (place: number) =>
      values?.subarray((direction * stored + place) * hidden, (direction * stored + place + 1) * hidden);
    cell.order.forEach((place, gate) => {
      const own = part(place);
      for (let unit = 0; unit < hidden; unit++) {
        bias[base + gate * hidden + unit] =
          (own?.[unit] ?? 0) + (cell.type === "LSTM" && gate === FORGET_GATE ? forget : 0);
      }
    });
    if (cell.splitsBias && values !== undefined) bias.set(part(gates)!, base + (2 * gates - 1) * hidden);
  }
  return context.floats("bias", bias, [directions, 2 * gates * hidden]);
}

function statesOf(context: RaiseContext, shape: readonly number[]): OnnxValue[] {
  return context
    .inputs()
    .slice(1)
    .map((state, index) =>
      countOf(state.type?.shape) === elementCount(shape)
        ? reshaped(context, state, shape, `initial${index}`)
        : context.fail("unsupported", `its initial state does not have the shape ${shape.join("x")}`),
    );
}

export const RECURRENT_OPERATORS: RaiseTable = { RNN: raiseRecurrent };
