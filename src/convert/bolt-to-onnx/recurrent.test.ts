import { expect, it } from "vitest";
import { boltModel } from "../../../test/models/bolt-model.ts";
import { outputsOf } from "../../../test/models/run.ts";
import { normalValues } from "../../../test/models/values.ts";
import { raiseToOnnx } from "./index.ts";

const [STEPS, FEATURES, HIDDEN] = [4, 3, 2];
const WIDTH = FEATURES + HIDDEN;
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

interface State {
  readonly hidden: readonly number[];
  readonly cell: readonly number[];
}

/** One step of a cell: `gate(n)` gives the sums of gate n, `input` and `hidden` those of its parts alone. */
interface Gates {
  readonly gate: (n: number) => number[];
  readonly input: (n: number) => number[];
  readonly hidden: (n: number) => number[];
  readonly bias: (n: number) => number[];
}

/** Bolt's cells by their definition; its gates: LSTM input, cell, forget, output; GRU update, reset, new. */
const CELLS: Readonly<Record<string, { gates: number; biases: number; step: (gates: Gates, state: State) => State }>> =
  {
    RNN: { gates: 1, biases: 1, step: ({ gate }) => ({ hidden: gate(0).map(Math.tanh), cell: [] }) },
    LSTM: {
      gates: 4,
      biases: 4,
      step: ({ gate }, { cell }) => {
        const [input, fresh, forget, output] = [gate(0), gate(1), gate(2), gate(3)];
        const next = cell.map(
          (old, unit) => sigmoid(forget[unit]! + 1) * old + sigmoid(input[unit]!) * Math.tanh(fresh[unit]!),
        );
        return { hidden: next.map((value, unit) => sigmoid(output[unit]!) * Math.tanh(value)), cell: next };
      },
    },
    GRU: { gates: 3, biases: 3, step: (gates, state) => gru(gates, state, false) },
    GRU_LBR: { gates: 3, biases: 4, step: (gates, state) => gru(gates, state, true) },
  };

function gru({ gate, input, hidden, bias }: Gates, state: State, splits: boolean): State {
  const [update, reset] = [gate(0).map(sigmoid), gate(1).map(sigmoid)];
  const [fromInput, fromHidden] = [input(2), hidden(2)];
  const fresh = fromInput.map((value, unit) => {
    const own = value + bias(2)[unit]!;
    if (splits) return Math.tanh(own + reset[unit]! * (fromHidden[unit]! + bias(3)[unit]!));
    return Math.tanh(own + resetHidden(unit));
  });
  function resetHidden(unit: number): number {
    return state.hidden.reduce((sum, value, index) => sum + reset[index]! * value * weightOfHidden(unit, index), 0);
  }
  function weightOfHidden(unit: number, index: number): number {
    return WEIGHT[(2 * HIDDEN + unit) * WIDTH + FEATURES + index]!;
  }
  return {
    hidden: fresh.map((value, unit) => (1 - update[unit]!) * value + update[unit]! * state.hidden[unit]!),
    cell: [],
  };
}

const WEIGHT = normalValues(2 * 4 * HIDDEN * WIDTH, 3);
const BIAS = normalValues(2 * 4 * HIDDEN, 4);
const X = normalValues(STEPS * FEATURES, 5);

/** The hidden states of one direction, whose weights and biases begin at those places. */
function run(mode: string, firstWeight: number, firstBias: number, backwards: boolean): number[][] {
  const { step } = CELLS[mode]!;
  let state: State = { hidden: new Array(HIDDEN).fill(0), cell: new Array(HIDDEN).fill(0) };
  const results: number[][] = [];
  for (let time = 0; time < STEPS; time++) {
    const place = backwards ? STEPS - 1 - time : time;
    const units = (n: number, sum: (row: number) => number) =>
      Array.from({ length: HIDDEN }, (_, unit) => sum(n * HIDDEN + unit));
    const { hidden } = state;
    const part = (row: number, from: number, values: ArrayLike<number>) =>
      Array.from(values).reduce(
        (total, value, index) => total + value * WEIGHT[firstWeight + row * WIDTH + from + index]!,
        0,
      );
    const gates: Gates = {
      input: (n) => units(n, (row) => part(row, 0, X.subarray(place * FEATURES, (place + 1) * FEATURES))),
      hidden: (n) => units(n, (row) => part(row, FEATURES, hidden)),
      bias: (n) => units(n, (row) => BIAS[firstBias + row]!),
      gate: (n) => gates.input(n).map((value, unit) => value + gates.hidden(n)[unit]! + gates.bias(n)[unit]!),
    };
    state = step(gates, state);
    results[place] = [...state.hidden];
  }
  return results;
}

it.each([
  ["RNN", 1],
  ["LSTM", 1],
  ["LSTM", 2],
  ["GRU", 1],
  ["GRU_LBR", 1],
  ["GRU_LBR", 2],
] as const)("%s of %i directions gives what its definition says", async (mode, directions) => {
  const { gates, biases } = CELLS[mode]!;
  const [weights, summands] = [gates * HIDDEN * WIDTH, biases * HIDDEN];
  const model = boltModel({
    inputs: { x: [1, STEPS, FEATURES] },
    operators: [
      [
        "RNN",
        ["x"],
        "y",
        { mode, num_outputs: HIDDEN, bi_direction: directions - 1, forget_bias: 1 },
        { weight: WEIGHT.subarray(0, directions * weights), vector: BIAS.subarray(0, directions * summands) },
      ],
    ],
    outputs: ["y"],
  });
  const { shapes, values } = await outputsOf(model, { x: [...X] });
  expect(shapes[0]).toEqual([1, STEPS, directions * HIDDEN]);
  const parts = Array.from({ length: directions }, (_, index) =>
    run(mode, index * weights, index * summands, index === 1),
  );
  const expected = Array.from({ length: STEPS }, (_, time) => parts.flatMap((part) => part[time]!)).flat();
  values[0]!.forEach((value, index) => {
    expect(value).toBeCloseTo(expected[index]!, 5);
  });
});

it.each([
  ["a single step", { steps: -1 }, /single recurrent step/],
  ["a projection", { num_projection: 2 }, /its num_projection/],
  ["zoneout", { zoneout_cell: 0.5 }, /its zoneout_cell/],
] as const)("%s is refused", async (_, parameters, message) => {
  const weight = { weight: WEIGHT, vector: BIAS };
  const operators = [["RNN", ["x"], "y", { mode: "LSTM", num_outputs: HIDDEN, ...parameters }, weight]] as const;
  const model = boltModel({ inputs: { x: [1, STEPS, FEATURES] }, operators, outputs: ["y"] });
  await expect(raiseToOnnx(model)).rejects.toThrow(message);
});
