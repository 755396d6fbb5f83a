import { BOLT_DATA_TYPES } from "../../src/bolt/data-type.ts";
import { type BoltModel, type BoltNode, type BoltWeight, WeightTable } from "../../src/bolt/model.ts";
import { operatorOfNumber } from "../../src/bolt/operators.ts";
import { Parameters } from "../../src/bolt/parameters.ts";
import { readBolt } from "../../src/bolt/read.ts";
import { writeBolt } from "../../src/bolt/write.ts";
import { memoryBytes, memorySource } from "../../src/io/bytes.ts";
import { memoryTarget } from "../../src/io/target.ts";
import { EXTREMES, mutateBytes } from "./mutate-bytes.ts";
import type { Random } from "./random.ts";

/** A copy of a `.bolt` file with a few parameters, links, weights or operators changed; `bytes` is a valid file. */
export async function mutateBolt(bytes: Uint8Array, random: Random): Promise<Uint8Array> {
  const model = await readBolt(memorySource(bytes));
  const count = 1 + random.below(3);
  for (let index = 0; index < count; index++) await random.pick(CHANGES)(model, random);
  const target = memoryTarget();
  await writeBolt(model, target);
  return target.result();
}

type Change = (model: BoltModel, random: Random) => void | Promise<void>;

/** Changes one operator, where there is any. */
const inOperator =
  (change: (node: BoltNode, model: BoltModel, random: Random) => void): Change =>
  (model, random) => {
    const { nodes } = model.graph;
    if (nodes.length > 0) change(random.pick(nodes), model, random);
  };

const changeParameter = inOperator(({ data: { parameters } }, _, random) => {
  if (parameters.names.length === 0) return;
  const field = parameters.layout.fields.get(random.pick(parameters.names))!;
  const at = field.offset + field.size * random.below(field.count);
  const view = new DataView(parameters.bytes.buffer, parameters.bytes.byteOffset);
  if (field.size === 1) view.setUint8(at, random.below(256));
  else if (field.kind === "f32") view.setFloat32(at, random.pick([...EXTREMES, Number.NaN, 1e38, 0.5]), true);
  else if (random.chance(0.5)) view.setUint32(at, random.below(12), true);
  else view.setUint32(at, random.pick(EXTREMES), true);
});

const changeInput = inOperator((node, { graph }, random) => {
  const values = [...graph.inputs, ...graph.nodes.flatMap(({ outputs }) => outputs)];
  if (values.length === 0) return;
  const inputs = [...node.inputs];
  const at = random.below(inputs.length + 1);
  inputs.splice(at, random.below(2), ...(random.chance(0.5) ? [random.pick(values)] : []));
  node.setInputs(inputs);
});

const dropOutput = inOperator((node, _, random) => node.setOutputs(node.outputs.slice(0, random.below(2))));

const rename = inOperator((node, { graph }, random) => {
  const other = random.pick(graph.nodes);
  if (random.chance(0.5)) node.name = other.name;
  else if (node.outputs[0] !== undefined) node.outputs[0].name = other.outputs[0]?.name ?? "";
});

const changeType = inOperator((node, { version }, random) => {
  const type = operatorOfNumber(random.below(110), version);
  if (type === undefined) return;
  const { bytes } = node.data.parameters;
  node.type = type;
  node.data.parameters = Parameters.of(type, version);
  if (random.chance(0.5)) node.data.parameters.bytes.set(bytes.subarray(0, node.data.parameters.bytes.length));
});

const removeOperator = inOperator((node, { graph }) => graph.remove(node));

const changeScales = inOperator((node, _, random) => {
  const slots = random.below(4);
  node.data.scales = Array.from({ length: slots }, () =>
    Float32Array.from({ length: random.below(3) }, () => random.pick([0, -1, -2, -3, 1, 12.7, Number.NaN, 1e38])),
  );
});

const changeWeight: Change = async (model, random) => {
  const records = [...model.weights];
  if (records.length === 0) return;
  const chosen = random.pick(records);
  const changed = await random.pick(WEIGHT_CHANGES)(chosen, random);
  model.weights = new WeightTable(records.flatMap((record) => (record === chosen ? changed : record)));
};

const WEIGHT_CHANGES: readonly ((record: BoltWeight, random: Random) => Promise<BoltWeight[]>)[] = [
  async () => [],
  async (record) => [record, record],
  async (record, random) => [{ ...record, dataType: random.pick(BOLT_DATA_TYPES) }],
  async (record, random) => [{ ...record, weight: memoryBytes(mutateBytes(await record.weight.read(), random)) }],
  async (record, random) => [{ ...record, vector: memoryBytes(mutateBytes(await record.vector.read(), random)) }],
  async (record, random) => [{ ...record, scales: [Float32Array.of(random.pick([0, -1, Number.NaN, 1e38]))] }],
];

const changeInterface: Change = (model, random) => {
  const { graph } = model;
  const description = model.inputDescriptions[0];
  const kind = random.below(4);
  if (kind === 0 && description !== undefined) {
    const at = random.below(description.dimensions.length + 1);
    description.dimensions.splice(at, random.below(2), random.pick(EXTREMES));
  } else if (kind === 1 && description !== undefined) description.dataType = random.pick(BOLT_DATA_TYPES);
  else if (kind === 2) graph.outputs = graph.outputs.slice(1);
  else model.dataType = random.pick(BOLT_DATA_TYPES);
};

const CHANGES: readonly Change[] = [
  changeParameter,
  changeParameter,
  changeParameter,
  changeParameter,
  changeInput,
  dropOutput,
  rename,
  changeType,
  removeOperator,
  changeScales,
  changeWeight,
  changeWeight,
  changeInterface,
];
