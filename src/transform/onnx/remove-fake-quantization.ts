import { Value } from "../../graph/graph.ts";
import { BoltqError } from "../../io/error.ts";
import { foldConstants } from "../../onnx/constant-folding.ts";
import type { OnnxModel, OnnxNode, OnnxNodeData, OnnxValue } from "../../onnx/model.ts";
import { nodeData } from "../../onnx/node-data.ts";
import { floatTensor, numbersOf } from "../../onnx/tensor-data.ts";
import { foldQuantizedConstants } from "./fold-quantized-constants.ts";
import { FreshNames } from "./fresh-names.ts";
import { addInitializer, constantsToInitializers, dropUnusedInitializers } from "./initializers.ts";
import { type CodeRange, codeRange, quantParameters } from "./quantizer-parameters.ts";

/** A value that an operator reads quantized, in a model that was trained so. */
export interface TrainedClip {
  readonly operator: OnnxNode;
  /** Whether the operator gives the value, an output of the model, instead of reading it. */
  readonly isOutput: boolean;
  /** What the operator reads (or gives) once the quantization is taken out. */
  readonly value: OnnxValue;
  /** The largest magnitude that is kept. */
  readonly clip: number;
  /** The numbers that 256 codes stand for, from the least to the largest; undefined for constants. */
  readonly range: readonly [low: number, high: number] | undefined;
}

/** Weights up to so many elements are calculated. */
const MOST_ELEMENTS = 2 ** 22;

/** Operators that only move numbers: they may stand before, between and behind QuantizeLinear and DequantizeLinear. */
const MOVES: ReadonlySet<string> = new Set(["Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Identity"]);

/** Operators between the two that change no number but by what they cut off. */
const CUTS: ReadonlySet<string> = new Set(["Clip", "Cast"]);

/**
 * Takes the simulated quantization of quantization-aware training out of a model: QuantizeLinear with DequantizeLinear (as
 * PyTorch, TensorFlow and Brevitas export it) and Quant (QONNX). Weights become the float numbers that their codes stand
 * for. Returns what operators read quantized. Throws BoltqError `unsupported` when a quantization can't be taken out, or the
 * model computes with integers.
 */
export async function removeFakeQuantization(model: OnnxModel): Promise<TrainedClip[]> {
  refuseIntegerOperators(model);
  constantsToInitializers(model);
  const steps = new Map<OnnxValue, number>();
  do {
    spreadSteps(model, steps);
    await foldConstants(model, { mostElements: MOST_ELEMENTS });
  } while ((await foldQuantizedConstants(model, steps)) > 0);
  const grids = new Map<OnnxNode, Map<number, Grid>>();
  const bypassed = new Map<OnnxNode, Grid | undefined>();
  for (const node of model.main.graph.nodes) {
    const chain = await chainOf(node);
    if (chain === undefined) continue;
    for (const reader of node.output().users) noteReads(grids, reader, node.output(), chain.grid);
    for (const part of chain.parts) bypassed.set(part, part === chain.parts.at(-1) ? chain.grid : undefined);
    for (const moved of chain.moves) moved.type = { type: "float32", shape: moved.type?.shape };
  }
  const outputs = outputGrids(model, bypassed);
  const clipper = new Clipper(model, await limitsOfClips(model));
  for (const [node, grid] of bypassed) bypass(model, node, grid, clipper);
  refuseLeftovers(model);
  dropUnusedInitializers(model);
  return [...model.main.graph.nodes.flatMap((node) => clipsOf(node, grids, steps)), ...clipsOfOutputs(model, outputs)];
}

/** The grids of quantizers that give outputs of the model, by the output's place. */
function outputGrids(
  { main }: OnnxModel,
  bypassed: ReadonlyMap<OnnxNode, Grid | undefined>,
): ReadonlyMap<number, Grid> {
  return new Map(
    main.graph.outputs.flatMap((output, place): [number, Grid][] => {
      let node = output.producer;
      while (node !== undefined && bypassed.has(node) && bypassed.get(node) === undefined)
        node = node.input(0).producer;
      const grid = node !== undefined && bypassed.has(output.producer!) ? bypassed.get(node) : undefined;
      return grid === undefined ? [] : [[place, grid]];
    }),
  );
}

function clipsOfOutputs({ main }: OnnxModel, grids: ReadonlyMap<number, Grid>): TrainedClip[] {
  return [...grids].flatMap(([place, grid]): TrainedClip[] => {
    const value = main.graph.outputs[place]!;
    const operator = value.producer;
    if (operator === undefined) return [];
    return [{ operator, value, isOutput: true, clip: clipOf(grid), range: rangeOf(grid) }];
  });
}

/** The codes of a quantizer: real = scale × (code − zeroPoint). */
interface Grid extends CodeRange {
  /** The largest, where there are several. */
  readonly scale: number;
  readonly zeroPoint: number;
  /** Whether the codes are fewer than 8 bits have. */
  readonly narrow: boolean;
}

/** A simulated quantization: what is to be taken out, from the last operator to the first, which rounds. */
interface Chain {
  readonly grid: Grid;
  readonly parts: readonly OnnxNode[];
  /** Values of codes that operators between move. */
  readonly moves: readonly OnnxValue[];
}

/** The simulated quantization that ends with `node`; undefined where none does. */
async function chainOf(node: OnnxNode): Promise<Chain | undefined> {
  if (node.type === "Quant") {
    const found = await quantParameters(node);
    return found && { grid: gridOf(found, found.scales, found.zeroPoint), parts: [node], moves: [] };
  }
  if (node.type !== "DequantizeLinear" || !hasConstantParameters(node)) return undefined;
  const [parts, moves]: [OnnxNode[], OnnxValue[]] = [[node], []];
  let limits: CodeRange = { least: Number.NEGATIVE_INFINITY, most: Number.POSITIVE_INFINITY };
  for (let { producer } = node.input(0); producer !== undefined; { producer } = producer.input(0)) {
    if (producer.type === "QuantizeLinear") {
      const range = codeRange(producer.inputs[2]?.constant?.type ?? "uint8");
      if (range === undefined || !hasConstantParameters(producer)) return undefined;
      const codes = { least: Math.max(range.least, limits.least), most: Math.min(range.most, limits.most) };
      const [scales, zeros] = [await numbersOf(node.input(1).constant!), await numbersAt(node, 2)];
      return { grid: gridOf(codes, scales, zeros?.[0] ?? 0), parts: [...parts, producer], moves };
    }
    if (CUTS.has(producer.type)) parts.push(producer);
    else if (MOVES.has(producer.type)) moves.push(producer.output());
    else return undefined;
    if (producer.type === "Clip") limits = await cut(limits, producer);
  }
  return undefined;
}

function hasConstantParameters(node: OnnxNode): boolean {
  return node.inputs.slice(1).every((input) => input === undefined || input.constant !== undefined);
}

async function numbersAt(node: OnnxNode, index: number): Promise<ArrayLike<number> | undefined> {
  const constant = node.inputs[index]?.constant;
  return constant === undefined ? undefined : numbersOf(constant);
}

async function cut({ least, most }: CodeRange, clip: OnnxNode): Promise<CodeRange> {
  const [low, high] = [await numbersAt(clip, 1), await numbersAt(clip, 2)];
  return { least: Math.max(least, low?.[0] ?? least), most: Math.min(most, high?.[0] ?? most) };
}

const LEVELS_OF_8_BITS = 255;

function gridOf({ least, most }: CodeRange, scales: ArrayLike<number>, zeroPoint: number): Grid {
  const scale = Array.from(scales).reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  // int8 without −128 is as good as whole.
  return { least, most, scale, zeroPoint, narrow: most - least < LEVELS_OF_8_BITS - 1 };
}

function noteReads(grids: Map<OnnxNode, Map<number, Grid>>, reader: OnnxNode, value: OnnxValue, grid: Grid): void {
  const reads = grids.get(reader) ?? new Map<number, Grid>();
  reader.inputs.forEach((input, index) => {
    if (input === value) reads.set(index, grid);
  });
  grids.set(reader, reads);
}

/** Constants that operators only move keep their steps. */
function spreadSteps(model: OnnxModel, steps: Map<OnnxValue, number>): void {
  for (const node of model.main.graph.nodes) {
    const step = MOVES.has(node.type) && node.inputs[0] !== undefined ? steps.get(node.inputs[0]) : undefined;
    if (step !== undefined) steps.set(node.output(), step);
  }
}

/** Its readers read what it reads; the operator that rounds leaves behind what its codes cut off. */
function bypass(model: OnnxModel, node: OnnxNode, grid: Grid | undefined, clipper: Clipper): void {
  const { graph } = model.main;
  const output = node.output();
  const value = grid === undefined ? node.input(0) : clipper.limited(node.input(0), grid, node);
  if (!graph.outputs.includes(output) || (value.producer !== undefined && !graph.outputs.includes(value))) {
    replace(model, output, value);
    graph.remove(node);
    return;
  }
  node.type = "Identity";
  node.data = nodeData();
  node.setInputs([value]);
  output.type = { type: "float32", shape: output.type?.shape };
}

type Limits = readonly [low: number, high: number];

/** Operators that give no number outside these. */
const LIMITS: Readonly<Record<string, Limits>> = {
  Relu: [0, Number.POSITIVE_INFINITY],
  Sigmoid: [0, 1],
  Softmax: [0, 1],
  HardSigmoid: [0, 1],
  Tanh: [-1, 1],
};

const UNLIMITED: Limits = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];

/** What Clips give, where their limits are constant. */
async function limitsOfClips({ main }: OnnxModel): Promise<Map<OnnxValue, Limits>> {
  const limits = new Map<OnnxValue, Limits>();
  for (const { type, inputs, outputs } of main.graph.nodes) {
    const [low, high] = inputs.slice(1);
    if (type !== "Clip" || [low, high].some((limit) => limit !== undefined && limit.constant === undefined)) continue;
    const numberOf = async (limit: OnnxValue | undefined, none: number) =>
      limit?.constant === undefined ? none : (await numbersOf(limit.constant))[0]!;
    limits.set(outputs[0]!, [await numberOf(low, UNLIMITED[0]), await numberOf(high, UNLIMITED[1])]);
  }
  return limits;
}

/** Puts in place of quantizers what their codes cut off: training went on with that. */
class Clipper {
  readonly #model: OnnxModel;
  readonly #names: FreshNames;
  readonly #limits: Map<OnnxValue, Limits>;

  /** `limits` of the values that have any already. */
  constructor(model: OnnxModel, limits: ReadonlyMap<OnnxValue, Limits>) {
    this.#model = model;
    this.#limits = new Map(limits);
    this.#names = new FreshNames(model);
  }

  /** The value as the codes limit it, by a Clip before the quantizer `before`; a Relu or Clip in front becomes part of that. */
  limited(value: OnnxValue, grid: Grid, before: OnnxNode): OnnxValue {
    const [low, high] = [grid.scale * (grid.least - grid.zeroPoint), grid.scale * (grid.most - grid.zeroPoint)];
    const [lowest, highest] = this.#limits.get(value) ?? LIMITS[value.producer?.type ?? ""] ?? UNLIMITED;
    if (low <= lowest && high >= highest) return value;
    const { graph } = this.#model.main;
    const isOnlyReader = value.users.every((user) => user === before) && !graph.outputs.includes(value);
    const isPart =
      value.producer?.type === "Clip" ? this.#limits.has(value) : value.producer?.type === "Relu" && low === 0;
    const activation = isOnlyReader && isPart ? value.producer : undefined;
    const limits: Limits = [Math.max(low, lowest), Math.min(high, highest)];
    const name = this.#names.next(`${value.name}/clip`);
    const output = new Value<OnnxNodeData>(name, { type: value.type });
    const [least, most] = [this.#constant(`${name}/min`, limits[0]), this.#constant(`${name}/max`, limits[1])];
    const inputs = [activation?.input(0) ?? value, least, most];
    graph.insertBefore(before, { name, type: "Clip", inputs, outputs: [output], data: nodeData() });
    if (activation !== undefined) {
      graph.replaceUses(value, output);
      graph.remove(activation);
    }
    this.#limits.set(output, limits);
    return output;
  }

  #constant(name: string, limit: number): OnnxValue {
    return addInitializer(this.#model, this.#names.next(name), floatTensor([], [limit]));
  }
}

/** An output of the graph keeps its name. */
function replace(model: OnnxModel, output: OnnxValue, value: OnnxValue): void {
  const { graph } = model.main;
  value.type ??= output.type;
  const keepsName = graph.outputs.includes(output);
  graph.replaceUses(output, value);
  if (keepsName) [value.name, output.name] = [output.name, value.name];
}

/** What an operator reads quantized, right away or through operators that only move numbers. */
function clipsOf(
  operator: OnnxNode,
  grids: ReadonlyMap<OnnxNode, ReadonlyMap<number, Grid>>,
  steps: ReadonlyMap<OnnxValue, number>,
): TrainedClip[] {
  return operator.inputs.flatMap((value, index): TrainedClip[] => {
    if (value === undefined) return [];
    const step = steps.get(value);
    if (step !== undefined)
      return [{ operator, value, isOutput: false, clip: LARGEST_WEIGHT_CODE * step, range: undefined }];
    const grid = gridRead(operator, index, grids);
    return grid === undefined ? [] : [{ operator, value, isOutput: false, clip: clipOf(grid), range: rangeOf(grid) }];
  });
}

const LARGEST_WEIGHT_CODE = 127;

function gridRead(
  operator: OnnxNode,
  index: number,
  grids: ReadonlyMap<OnnxNode, ReadonlyMap<number, Grid>>,
): Grid | undefined {
  let [node, place]: [OnnxNode | undefined, number] = [operator, index];
  while (node !== undefined) {
    const grid = grids.get(node)?.get(place);
    if (grid !== undefined) return grid;
    node = node.inputs[place]?.producer;
    if (node === undefined || !MOVES.has(node.type)) return undefined;
    place = 0;
  }
  return undefined;
}

function clipOf({ least, most, scale, zeroPoint }: Grid): number {
  const isMiddle = zeroPoint === (least + most + 1) / 2 || zeroPoint === (least + most) / 2;
  return scale * (isMiddle ? most - zeroPoint : Math.max(most - zeroPoint, zeroPoint - least));
}

/** In the trained steps: codes beyond the trained ones stand for numbers that a Clip lets no more through. */
function rangeOf({ least, most, scale, zeroPoint, narrow }: Grid): [number, number] {
  const last = narrow ? least + LEVELS_OF_8_BITS : most;
  return [scale * (least - zeroPoint), scale * (last - zeroPoint)];
}

function refuseIntegerOperators({ main }: OnnxModel): void {
  const node = main.graph.nodes.find(({ type }) =>
    /^(QLinear|QGemm|ConvInteger|MatMulInteger|DynamicQuant)/.test(type),
  );
  if (node === undefined) return;
  throw new BoltqError("unsupported", "the model computes with integers: its float weights are gone", {
    subject: `operator "${node.name || node.outputs[0]?.name}" (${node.type})`,
    remedy: "Export it with QuantizeLinear and DequantizeLinear around float operators (QDQ format)",
  });
}

function refuseLeftovers({ main }: OnnxModel): void {
  const node = main.graph.nodes.find(({ type }) => /^(QuantizeLinear|DequantizeLinear|Quant|BipolarQuant)$/.test(type));
  if (node === undefined) return;
  throw new BoltqError("unsupported", "its quantization can't be taken out", {
    subject: `operator "${node.name || node.outputs[0]?.name}" (${node.type})`,
    remedy:
      "Export the model with constant scales, QuantizeLinear and DequantizeLinear in pairs, with no more than Clip, Cast, Reshape and Transpose between them",
  });
}
