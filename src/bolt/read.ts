import { Graph, Value } from "../graph/graph.ts";
import { type Bytes, rangeOf, type Source } from "../io/bytes.ts";
import { Cursor } from "../io/cursor.ts";
import { BoltqError } from "../io/error.ts";
import { BOLT_DATA_TYPES, type BoltDataType } from "./data-type.ts";
import { type BoltModel, type BoltNodeData, type BoltValue, type BoltWeight, WeightTable } from "./model.ts";
import { decodeName, NAME_BYTES, type NameField } from "./name-field.ts";
import { operatorOfNumber } from "./operators.ts";
import { structOf } from "./parameter-layouts.ts";
import { descriptionSize, Parameters, readDescription } from "./parameters.ts";
import { checkStructure } from "./structure.ts";
import type { BoltTensorDescription } from "./tensor-description.ts";
import { BOLT_VERSIONS, type BoltVersion, isBoltVersion } from "./version.ts";

/** The number in bytes 4..7 of every `.bolt` file. */
export const BOLT_MAGIC_NUMBER = 1141119;

/** Name, type, counts of inputs, outputs and scale slots: the least that an operator record has. */
const LEAST_OPERATOR_BYTES = NAME_BYTES + 16;

/** Length, name, type, two byte counts, count of scale slots: the least that a weight record has. */
const LEAST_WEIGHT_BYTES = NAME_BYTES + 20;

/** Whether the first 8 bytes of a file are those of a `.bolt` file, of whatever version. */
export function looksLikeBolt(head: Uint8Array): boolean {
  return head.byteLength >= 8 && new DataView(head.buffer, head.byteOffset).getUint32(4, true) === BOLT_MAGIC_NUMBER;
}

/**
 * Reads a `.bolt` file. Weights stay in the source until they are asked for. Each read of a name refers to the nearest
 * earlier operator with that output, so that names used again in place are told apart. Throws BoltqError `format`,
 * `truncated` or `unsupported`, with the byte offset.
 */
export async function readBolt(source: Source): Promise<BoltModel> {
  const cursor = new Cursor(source);
  const header = await readHeader(cursor);
  const graph = new Graph<BoltNodeData>(header.name.name);
  const scope = new Scope();
  graph.inputs = header.inputs.map((name) => scope.define(name));
  await readOperators(cursor, header.version, graph, scope);
  const weights = await readWeights(cursor);
  graph.outputs = header.outputs.map((name) => scope.resolve(name));
  const model: BoltModel = {
    format: "bolt",
    version: header.version,
    name: header.name.name,
    nameResidue: header.name.residue,
    dataType: header.dataType,
    inputDescriptions: header.descriptions,
    inputResidues: header.inputResidues,
    outputResidues: header.outputResidues,
    graph,
    weights,
    trailer: rangeOf(source, cursor.position, cursor.remaining),
  };
  try {
    checkStructure(model);
  } catch (error) {
    throw error instanceof BoltqError ? error.within({ file: source.name }) : error;
  }
  return model;
}

/** Which value a name stands for at the current place in the file. */
class Scope {
  readonly #latest = new Map<string, BoltValue>();

  define(name: string): BoltValue {
    const value: BoltValue = new Value(name);
    this.#latest.set(name, value);
    return value;
  }

  resolve(name: string): BoltValue {
    return this.#latest.get(name) ?? this.define(name);
  }
}

interface Header {
  version: BoltVersion;
  name: NameField;
  dataType: BoltDataType;
  inputs: string[];
  inputResidues: (Uint8Array | undefined)[];
  descriptions: BoltTensorDescription[];
  outputs: string[];
  outputResidues: (Uint8Array | undefined)[];
}

async function readHeader(cursor: Cursor): Promise<Header> {
  const version = await readVersion(cursor);
  await cursor.need(NAME_BYTES + 4);
  const name = takeName(cursor);
  const dataType = takeDataType(cursor);
  const inputCount = await takeCount(cursor, NAME_BYTES + descriptionSize(version), "inputs");
  const inputs = await readNames(cursor, inputCount);
  const descriptions = await readDescriptions(cursor, inputCount, version);
  const outputs = await readNames(cursor, await takeCount(cursor, NAME_BYTES, "outputs"));
  return {
    version,
    name,
    dataType,
    inputs: inputs.map((field) => field.name),
    inputResidues: inputs.map((field) => field.residue),
    descriptions,
    outputs: outputs.map((field) => field.name),
    outputResidues: outputs.map((field) => field.residue),
  };
}

async function readVersion(cursor: Cursor): Promise<BoltVersion> {
  if (cursor.remaining < 8) cursor.fail("truncated", "the file is too short to be a Bolt model");
  await cursor.need(8);
  const version = cursor.takeUint32();
  const magic = cursor.takeUint32();
  if (magic !== BOLT_MAGIC_NUMBER)
    cursor.fail("format", "this is not a Bolt model (its magic number is missing)", "Give a .bolt file");
  if (isBoltVersion(version)) return version;
  throw new BoltqError("unsupported", `this is a Bolt model of the unknown file version ${version}`, {
    file: cursor.source.name,
    offset: 0,
    remedy: `boltq knows ${BOLT_VERSIONS.join(", ")}; convert the original model again with one of these`,
  });
}

async function readNames(cursor: Cursor, count: number): Promise<NameField[]> {
  await cursor.need(count * NAME_BYTES);
  return Array.from({ length: count }, () => takeName(cursor));
}

async function readDescriptions(cursor: Cursor, count: number, version: BoltVersion): Promise<BoltTensorDescription[]> {
  const size = descriptionSize(version);
  await cursor.need(count * size);
  return Array.from({ length: count }, () =>
    located(cursor, () => readDescription(viewOf(cursor.takeBytes(size)), 0, version)),
  );
}

async function readOperators(
  cursor: Cursor,
  version: BoltVersion,
  graph: Graph<BoltNodeData>,
  scope: Scope,
): Promise<void> {
  const count = await takeCount(cursor, LEAST_OPERATOR_BYTES, "operators");
  for (let index = 0; index < count; index++) await readOperator(cursor, version, graph, scope);
}

async function readOperator(
  cursor: Cursor,
  version: BoltVersion,
  graph: Graph<BoltNodeData>,
  scope: Scope,
): Promise<void> {
  await cursor.need(NAME_BYTES + 4);
  const name = takeName(cursor);
  const type = takeOperatorType(cursor, version, name.name);
  const inputs = await readNames(cursor, await takeCount(cursor, NAME_BYTES, `inputs of "${name.name}"`));
  const outputs = await readNames(cursor, await takeCount(cursor, NAME_BYTES, `outputs of "${name.name}"`));
  const positions = await readPositions(cursor, inputs.length + outputs.length);
  const scales = await readScales(cursor, name.name);
  const layout = structOf(type, version);
  await cursor.need(layout.size);
  const parameters = new Parameters(layout, cursor.takeBytes(layout.size));
  graph.append({
    name: name.name,
    type,
    inputs: inputs.map((field) => scope.resolve(field.name)),
    outputs: outputs.map((field) => scope.define(field.name)),
    data: { parameters, scales, positions, residues: residuesOf(name, inputs, outputs) },
  });
}

function residuesOf(name: NameField, inputs: NameField[], outputs: NameField[]): Map<string, Uint8Array> {
  const places: [string, NameField][] = [
    ["name", name],
    ...inputs.map((field, index): [string, NameField] => [`input ${index}`, field]),
    ...outputs.map((field, index): [string, NameField] => [`output ${index}`, field]),
  ];
  return new Map(places.flatMap(([place, { residue }]) => (residue === undefined ? [] : [[place, residue]])));
}

async function readPositions(cursor: Cursor, count: number): Promise<Int32Array> {
  await cursor.need(4 * count);
  return new Int32Array(cursor.takeBytes(4 * count).buffer);
}

async function readScales(cursor: Cursor, owner: string): Promise<Float32Array[]> {
  const scales: Float32Array[] = [];
  const count = await takeCount(cursor, 4, `scale slots of "${owner}"`);
  for (let index = 0; index < count; index++) {
    const length = await takeCount(cursor, 4, `scales of "${owner}"`);
    await cursor.need(4 * length);
    scales.push(new Float32Array(cursor.takeBytes(4 * length).buffer));
  }
  return scales;
}

async function readWeights(cursor: Cursor): Promise<WeightTable> {
  const weights = new WeightTable();
  const count = await takeCount(cursor, LEAST_WEIGHT_BYTES, "weights");
  for (let index = 0; index < count; index++) weights.add(await readWeight(cursor));
  return weights;
}

async function readWeight(cursor: Cursor): Promise<BoltWeight> {
  await cursor.need(NAME_BYTES + 8);
  const length = cursor.takeUint32();
  const name = takeName(cursor);
  const dataType = takeDataType(cursor);
  const weight = await takeRange(cursor);
  const vector = await takeRange(cursor);
  if (weight.length + vector.length !== length) {
    cursor.fail(
      "format",
      `the weight of "${name.name}" states ${length} bytes but has ${weight.length + vector.length}`,
    );
  }
  return {
    operator: name.name,
    dataType,
    weight,
    vector,
    scales: await readScales(cursor, name.name),
    residue: name.residue,
  };
}

async function takeRange(cursor: Cursor): Promise<Bytes> {
  await cursor.need(4);
  const length = cursor.takeUint32();
  const start = cursor.position;
  cursor.skip(length);
  return rangeOf(cursor.source, start, length);
}

/** A count of things that take at least `least` bytes each; checked against what is left of the file. */
async function takeCount(cursor: Cursor, least: number, what: string): Promise<number> {
  await cursor.need(4);
  const count = cursor.takeUint32();
  if (count * least > cursor.remaining)
    cursor.fail("truncated", `${count} ${what} do not fit in the ${cursor.remaining} bytes left`);
  return count;
}

function takeName(cursor: Cursor): NameField {
  return decodeName(cursor.takeBytes(NAME_BYTES));
}

function takeDataType(cursor: Cursor): BoltDataType {
  const number = cursor.takeUint32();
  return BOLT_DATA_TYPES[number] ?? cursor.fail("format", `${number} is no data type`);
}

function takeOperatorType(cursor: Cursor, version: BoltVersion, name: string): string {
  const number = cursor.takeUint32();
  return (
    operatorOfNumber(number, version) ?? cursor.fail("format", `operator "${name}" has the unknown type ${number}`)
  );
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function located<Result>(cursor: Cursor, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    throw error instanceof BoltqError ? error.within({ file: cursor.source.name, offset: cursor.position }) : error;
  }
}
