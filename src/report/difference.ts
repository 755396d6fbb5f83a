import type { BoltModel, BoltNode, BoltWeight } from "../bolt/model.ts";
import { readWeightValues } from "../bolt/weight-values.ts";
import type { Model } from "../convert/model-file.ts";
import { type Bytes, chunksOf } from "../io/bytes.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { float32Of } from "../onnx/tensor-data.ts";
import { type OperatorSummary, summarizeModel } from "./summary.ts";

/** One way in which two models differ. */
export interface Difference {
  readonly kind: "header" | "input" | "output" | "operator" | "parameter" | "scale" | "weight";
  /** Which header field, tensor, operator or weight. */
  readonly subject: string;
  /** What the first and the second model say; undefined where one says nothing. */
  readonly first: unknown;
  readonly second: unknown;
  /** Weights of one shape: signal-to-noise ratio of the second against the first, in dB; null where not comparable. */
  readonly decibels?: number | null;
}

/**
 * How `second` differs from `first`: operators, their parameters by name, quantization labels and scales, weights.
 * Operators are matched by name; memory positions and unused bytes do not count. Empty when the models are the same.
 */
export async function diffModels(first: Model, second: Model): Promise<Difference[]> {
  const [one, other] = [
    await summarizeModel(first, { ranges: false }),
    await summarizeModel(second, { ranges: false }),
  ];
  const found: Difference[] = [];
  if (first.format !== second.format) found.push(difference("header", "format", first.format, second.format));
  found.push(...diffRecords("header", "", one.header, other.header));
  found.push(...diffLists("input", one.inputs, other.inputs), ...diffLists("output", one.outputs, other.outputs));
  found.push(...diffOperators(one.operators, other.operators));
  found.push(...(await diffWeights(weightsOf(first), weightsOf(second))));
  return found;
}

function difference(kind: Difference["kind"], subject: string, first: unknown, second: unknown): Difference {
  return { kind, subject, first, second };
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one, exactNumber) === JSON.stringify(other, exactNumber);
}

/** JSON has no infinities, no NaN and no negative zero. */
function exactNumber(_key: string, value: unknown): unknown {
  return typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
    ? `${Object.is(value, -0) ? "-0" : value}`
    : value;
}

type Entries = Readonly<Record<string, unknown>>;

function diffRecords(kind: Difference["kind"], prefix: string, one: Entries, other: Entries): Difference[] {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names]
    .filter((name) => !same(one[name], other[name]))
    .map((name) => difference(kind, `${prefix}${name}`, one[name], other[name]));
}

function diffLists(
  kind: "input" | "output",
  one: readonly { name: string }[],
  other: readonly { name: string }[],
): Difference[] {
  return Array.from({ length: Math.max(one.length, other.length) }, (_, index) => index)
    .filter((index) => !same(one[index], other[index]))
    .map((index) => difference(kind, one[index]?.name ?? other[index]!.name, one[index], other[index]));
}

function diffOperators(one: readonly OperatorSummary[], other: readonly OperatorSummary[]): Difference[] {
  const found: Difference[] = [];
  const [mine, theirs] = [keyed(one), keyed(other)];
  for (const [key, operator] of mine) {
    const match = theirs.get(key);
    if (match === undefined) found.push(difference("operator", key, operator.type, undefined));
    else found.push(...diffOperator(key, operator, match));
  }
  for (const [key, operator] of theirs) {
    if (!mine.has(key)) found.push(difference("operator", key, undefined, operator.type));
  }
  const common = [[...mine.keys()].filter((key) => theirs.has(key)), [...theirs.keys()].filter((key) => mine.has(key))];
  const moved = common[0]!.findIndex((key, index) => key !== common[1]![index]);
  if (moved >= 0)
    found.push(difference("operator", `order, from operator ${moved}`, common[0]![moved], common[1]![moved]));
  return found;
}

function diffOperator(key: string, one: OperatorSummary, other: OperatorSummary): Difference[] {
  const found = (["type", "inputs", "outputs"] as const)
    .filter((part) => !same(one[part], other[part]))
    .map((part) => difference("operator", `${key}: ${part}`, one[part], other[part]));
  if (!same(one.scales, other.scales)) found.push(difference("scale", key, one.scales, other.scales));
  return [...found, ...diffRecords("parameter", `${key}: `, one.parameters, other.parameters)];
}

/** Operators by name; the second of a name is "name (2)", one without a name goes by its first output. */
function keyed(operators: readonly OperatorSummary[]): Map<string, OperatorSummary> {
  const byKey = new Map<string, OperatorSummary>();
  const seen = new Map<string, number>();
  for (const operator of operators) {
    const name = operator.name || operator.outputs[0] || operator.type;
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    byKey.set(count === 1 ? name : `${name} (${count})`, operator);
  }
  return byKey;
}

/** A weight of either dialect, as far as comparing goes. */
interface ComparableWeight {
  readonly type: string;
  readonly shape: string;
  readonly parts: readonly Bytes[];
  readonly scales: readonly (readonly number[])[];
  readonly values: () => Promise<Float32Array>;
}

function weightsOf(model: Model): Map<string, ComparableWeight> {
  return model.format === "bolt" ? boltWeights(model) : onnxWeights(model);
}

function boltWeights(model: BoltModel): Map<string, ComparableWeight> {
  const nodes = new Map<string, BoltNode>(model.graph.nodes.map((node) => [node.name, node]));
  return new Map([...model.weights].map((record) => [record.operator, boltWeight(record, nodes.get(record.operator))]));
}

function boltWeight(record: BoltWeight, node: BoltNode | undefined): ComparableWeight {
  return {
    type: record.dataType,
    shape: node?.type ?? "",
    parts: [record.weight, record.vector],
    scales: record.scales.map((slot) => [...slot]),
    values: () => readWeightValues(record),
  };
}

function onnxWeights(model: OnnxModel): Map<string, ComparableWeight> {
  return new Map(
    model.main.initializers.flatMap(({ name, constant }) => {
      if (constant === undefined) return [];
      const { type, shape, data } = constant;
      return [[name, { type, shape: shape.join("x"), parts: [data], scales: [], values: () => float32Of(constant) }]];
    }),
  );
}

async function diffWeights(
  one: Map<string, ComparableWeight>,
  other: Map<string, ComparableWeight>,
): Promise<Difference[]> {
  const found: Difference[] = [];
  for (const name of new Set([...one.keys(), ...other.keys()])) {
    const [first, second] = [one.get(name), other.get(name)];
    if (first === undefined || second === undefined) {
      found.push(difference("weight", name, first?.type, second?.type));
      continue;
    }
    const equal =
      first.type === second.type && first.shape === second.shape && (await equalParts(first.parts, second.parts));
    if (!equal)
      found.push({
        ...difference("weight", name, first.type, second.type),
        decibels: await signalToNoise(first, second),
      });
    if (!same(first.scales, second.scales))
      found.push(difference("scale", `weight of ${name}`, first.scales, second.scales));
  }
  return found;
}

async function equalParts(one: readonly Bytes[], other: readonly Bytes[]): Promise<boolean> {
  for (const [index, part] of one.entries()) {
    if (!(await equalBytes(part, other[index]!))) return false;
  }
  return true;
}

async function equalBytes(one: Bytes, other: Bytes): Promise<boolean> {
  if (one.length !== other.length) return false;
  let offset = 0;
  for await (const chunk of chunksOf(one)) {
    const match = await other.read(offset, chunk.byteLength);
    for (let index = 0; index < chunk.byteLength; index++) if (chunk[index] !== match[index]) return false;
    offset += chunk.byteLength;
  }
  return true;
}

/** Power of the first weight over power of the difference, in dB; null when the lengths differ. */
async function signalToNoise(first: ComparableWeight, second: ComparableWeight): Promise<number | null> {
  const [signal, copy] = [await first.values(), await second.values()];
  if (signal.length !== copy.length) return null;
  let power = 0;
  let noise = 0;
  for (let index = 0; index < signal.length; index++) {
    power += signal[index]! ** 2;
    noise += (signal[index]! - copy[index]!) ** 2;
  }
  return 10 * Math.log10(power / noise);
}
