import { intAttribute, intsAttribute, textAttribute } from "../../../onnx/attributes.ts";
import type { OnnxNode, OnnxTensor, OnnxValue } from "../../../onnx/model.ts";
import { axisOf } from "../../../onnx/shape-rules/dimensions.ts";
import { float32Of, floatTensor, integersOf, integerTensor, numbersOf } from "../../../onnx/tensor-data.ts";
import type { Rewrite, RewriteTable, Rewriting } from "./rewrite.ts";

/** The activations that each layer has in Bolt, in one direction. */
const ACTIVATIONS: Readonly<Record<string, readonly string[]>> = {
  LSTM: ["sigmoid", "tanh", "tanh"],
  GRU: ["sigmoid", "tanh"],
  RNN: ["tanh"],
};

/** Inputs of a recurrent layer that may be left out, by place. */
const LENGTHS = 4;
const INITIAL_STATES = 5;
const PEEPHOLES = 7;

/**
 * Bolt's layers take batch × time × features and give batch × time × units, both directions side by side: such a layer is
 * one of ONNX's layout 1 with a Reshape behind it. Bolt's engine has no RNN; it is a GRU whose gates stand open.
 */
const recurrent: Rewrite = async (rewriting) => {
  const { node } = rewriting;
  requireKnown(rewriting);
  const batchFirst = intAttribute(node, "layout", 0) !== 0;
  const [directions, , units] = rewriting.staticShapeOf(2) as [number, number, number];
  const turned = (value: OnnxValue, suffix: string) =>
    batchFirst ? value : rewriting.add("Transpose", [value], suffix, { perm: [1, 0, 2] });
  const weights = node.type === "RNN" ? await weightsOfOpenGates(rewriting) : node.inputs.slice(1, LENGTHS);
  const states = await initialStates(rewriting, directions);
  const stateCount = [...node.outputs].slice(1).some((state) => rewriting.isUsed(state)) ? stateOutputs(node) : 0;
  if (stateCount > 0 && directions > 1) rewriting.fail("the last states of two directions are wrong in Bolt's engine");
  const inputs = [
    turned(node.input(0), "batchFirst"),
    ...Array.from({ length: LENGTHS - 1 }, (_, index) => weights[index]),
    ...(states.length > 0 ? [undefined] : []),
    ...states.map((state, index) => turned(state, `initial${index}`)),
  ];
  const direction = textAttribute(node, "direction", "forward");
  const linear = node.type === "RNN" ? 1 : intAttribute(node, "linear_before_reset", 0);
  const [sequence, ...lastStates] = Array.from({ length: 1 + stateCount }, (_, index) =>
    rewriting.value(`layer${index}`),
  );
  const type = node.type === "RNN" ? "GRU" : node.type;
  rewriting.insert(type, inputs, [sequence!, ...lastStates], {
    hidden_size: units,
    layout: 1,
    direction,
    linear_before_reset: type === "GRU" ? linear : undefined,
  });
  const outputs = rewriting.takeOutputs(node);
  lastStates.forEach((state, index) => {
    const output = outputs[index + 1];
    if (!rewriting.isUsed(output)) return;
    const target = rewriting.constant(`stateShape${index}`, integerTensor([3], [0, directions, units]));
    if (batchFirst) rewriting.insert("Reshape", [state, target], [output!]);
    else {
      const reshaped = rewriting.add("Reshape", [state, target], `state${index}`);
      rewriting.insert("Transpose", [reshaped], [output!], { perm: [1, 0, 2] });
    }
  });
  await giveSequence(rewriting, sequence!, outputs[0]!, { directions, units, batchFirst });
  rewriting.remove(node);
};

/** How many states Bolt's layer gives, if any. */
function stateOutputs({ type }: OnnxNode): number {
  return type === "LSTM" ? 2 : 1;
}

function requireKnown(rewriting: Rewriting): void {
  const { node } = rewriting;
  const { attributes } = node.data;
  const named = attributes.get("activations");
  const names =
    named?.kind === "strings" ? named.value.map((name) => new TextDecoder().decode(name).toLowerCase()) : [];
  const known = ACTIVATIONS[node.type]!;
  const problems: readonly [boolean, string][] = [
    [textAttribute(node, "direction", "forward") === "reverse", "Bolt has no recurrent layer that runs only backwards"],
    [attributes.has("clip"), "Bolt's recurrent layers do not limit their sums"],
    [intAttribute(node, "input_forget", 0) !== 0, "Bolt's LSTM does not couple its gates"],
    [
      names.some((name, index) => name !== known[index % known.length]),
      `Bolt's ${node.type} has ${known.join(" and ")}`,
    ],
    [node.inputs[LENGTHS] !== undefined, "Bolt takes all sequences of a batch for equally long"],
    [node.inputs[PEEPHOLES] !== undefined, "Bolt's LSTM has no peepholes"],
    [[1, 2].some((place) => node.input(place).constant === undefined), "its weights are not constant"],
    [node.inputs[3] !== undefined && node.inputs[3].constant === undefined, "its bias is not constant"],
  ];
  for (const [is, problem] of problems) if (is) rewriting.fail(problem, "Replace the layer before exporting");
}

/** None where all are zero; else all that the layer has. */
async function initialStates(rewriting: Rewriting, directions: number): Promise<OnnxValue[]> {
  const { node } = rewriting;
  const given = await Promise.all(
    [INITIAL_STATES, INITIAL_STATES + 1].slice(0, stateOutputs(node)).map(async (place) => {
      const state = node.inputs[place];
      return state === undefined || (state.constant !== undefined && (await isZero(state.constant)))
        ? undefined
        : state;
    }),
  );
  const place = given.findIndex((state) => state !== undefined);
  if (place < 0) return [];
  if (directions > 1) rewriting.fail("Bolt's engine starts layers of two directions from zero");
  return given.map(
    (state) => state ?? rewriting.filled("zeros", rewriting.staticShapeOf(INITIAL_STATES + place), () => 0),
  );
}

async function isZero(tensor: OnnxTensor): Promise<boolean> {
  return Array.from(await numbersOf(tensor)).every((number) => number === 0);
}

/** A bias at which a sigmoid is 1 in float32, and at its negative nothing. */
const FAR = 64;

/** The weights of a GRU that forgets all of its state and resets none: its new state is that of an RNN. */
async function weightsOfOpenGates(rewriting: Rewriting): Promise<OnnxValue[]> {
  const { node } = rewriting;
  const [directions, units, features] = rewriting.staticShapeOf(1) as [number, number, number];
  const behindGates = async (place: number, width: number) => {
    const values = await float32Of(node.input(place).constant!);
    const size = units * width;
    const all = new Float32Array(3 * values.length);
    for (let direction = 0; direction < directions; direction++)
      all.set(values.subarray(direction * size, (direction + 1) * size), (3 * direction + 2) * size);
    return floatTensor([directions, 3 * units, width], all);
  };
  const bias = node.inputs[3]?.constant;
  const given = bias === undefined ? new Float32Array(directions * 2 * units) : await float32Of(bias);
  const gates = [new Float32Array(units).fill(-FAR), new Float32Array(units).fill(FAR)];
  const zeros = new Float32Array(2 * units);
  const part = (direction: number, half: number) =>
    given.subarray((2 * direction + half) * units, (2 * direction + half + 1) * units);
  const biases = Array.from({ length: directions }, (_, direction) => [
    ...gates.flatMap((gate) => [...gate]),
    ...part(direction, 0),
    ...zeros,
    ...part(direction, 1),
  ]);
  return [
    rewriting.constant("inputWeight", await behindGates(1, features)),
    rewriting.constant("hiddenWeight", await behindGates(2, units)),
    rewriting.constant("bias", floatTensor([directions, 6 * units], biases.flat())),
  ];
}

interface Layer {
  readonly directions: number;
  readonly units: number;
  readonly batchFirst: boolean;
}

/** Gives the layer's sequence in ONNX's order, or what is made of it at once: time × batch × units of all directions. */
async function giveSequence(rewriting: Rewriting, sequence: OnnxValue, output: OnnxValue, layer: Layer): Promise<void> {
  if (!rewriting.isUsed(output)) return;
  const { directions, units, batchFirst } = layer;
  const flatShape = rewriting.constant("flatShape", integerTensor([3], [0, 0, directions * units]));
  const flat = rewriting.add("Reshape", [sequence, flatShape], "flat");
  const followers = await flattening(rewriting, output, layer);
  if (followers.length > 0) {
    const [result] = rewriting.takeOutputs(followers.at(-1)!);
    if (batchFirst) rewriting.insert("Identity", [flat], [result!]);
    else rewriting.insert("Transpose", [flat], [result!], { perm: [1, 0, 2] });
    for (const follower of followers) rewriting.remove(follower);
    return;
  }
  const split = rewriting.constant("splitShape", integerTensor([4], [0, 0, directions, units]));
  if (batchFirst) return rewriting.insert("Reshape", [flat, split], [output]);
  rewriting.insert("Transpose", [rewriting.add("Reshape", [flat, split], "split")], [output], { perm: [1, 2, 0, 3] });
}

/** The operators behind a layer that only put its directions side by side, as exporters write it. */
async function flattening(rewriting: Rewriting, output: OnnxValue, layer: Layer): Promise<readonly OnnxNode[]> {
  const first = rewriting.onlyReader(output);
  const directionAxis = layer.batchFirst ? 2 : 1;
  if (layer.directions === 1) return first?.type === "Squeeze" && (await squeezes(first, directionAxis)) ? [first] : [];
  if (layer.batchFirst || first?.type !== "Transpose" || intsAttribute(first, "perm")?.join() !== "0,2,1,3") return [];
  const second = rewriting.onlyReader(first.output());
  return second?.type === "Reshape" && (await joinsLastAxes(second, layer)) ? [first, second] : [];
}

async function squeezes(node: OnnxNode, axis: number): Promise<boolean> {
  const constant = node.inputs[1]?.constant;
  const axes = constant === undefined ? intsAttribute(node, "axes") : await integersOf(constant);
  return axes?.length === 1 && axisOf(axes[0]!, 4) === axis;
}

async function joinsLastAxes(node: OnnxNode, { directions, units }: Layer): Promise<boolean> {
  const constant = node.inputs[1]?.constant;
  const shape = constant === undefined ? undefined : await integersOf(constant);
  return shape?.length === 3 && shape[0] === 0 && shape[1] === 0 && [-1, directions * units].includes(shape[2]!);
}

/** Recurrent layers. */
export const RECURRENT_REWRITES: RewriteTable = { LSTM: recurrent, GRU: recurrent, RNN: recurrent };
