import { ByteWriter } from "../io/byte-writer.ts";
import { type Bytes, chunksOf } from "../io/bytes.ts";
import { BoltqError } from "../io/error.ts";
import type { Target } from "../io/target.ts";
import { dataTypeNumber } from "./data-type.ts";
import type { BoltModel, BoltNode, BoltWeight } from "./model.ts";
import { encodeName } from "./name-field.ts";
import { numberOfOperator } from "./operators.ts";
import { descriptionSize, writeDescription } from "./parameters.ts";
import { BOLT_MAGIC_NUMBER } from "./read.ts";
import type { BoltTensorDescription } from "./tensor-description.ts";
import type { BoltVersion } from "./version.ts";

/** Bytes of operator records that are gathered before they are handed on. */
const FLUSH_BYTES = 1 << 20;

/** The largest weight: byte counts have 32 bits. */
const MOST_WEIGHT_BYTES = 2 ** 32 - 1;

/**
 * Writes a `.bolt` file, weight by weight; a model as read gives the same bytes. Parameters must be of the model's
 * version (`Parameters.toVersion`). Does not commit the target.
 */
export async function writeBolt(model: BoltModel, target: Target): Promise<void> {
  const writer = new ByteWriter();
  putHeader(writer, model);
  const nodes = model.graph.nodes;
  writer.uint32(nodes.length);
  for (const node of nodes) {
    putOperator(writer, node, model.version);
    if (writer.length > FLUSH_BYTES) await target.write(writer.take());
  }
  writer.uint32(model.weights.size);
  for (const weight of model.weights) await writeWeight(writer, weight, target);
  await target.write(writer.take());
  await copy(model.trailer, target);
}

function putHeader(writer: ByteWriter, model: BoltModel): void {
  writer.uint32(model.version);
  writer.uint32(BOLT_MAGIC_NUMBER);
  writer.bytes(encodeName(model.name, model.nameResidue));
  writer.uint32(dataTypeNumber(model.dataType));
  const { inputs, outputs } = model.graph;
  writer.uint32(inputs.length);
  inputs.forEach((input, index) => {
    writer.bytes(encodeName(input.name, model.inputResidues[index]));
  });
  for (const description of model.inputDescriptions) putDescription(writer, description, model.version);
  writer.uint32(outputs.length);
  outputs.forEach((output, index) => {
    writer.bytes(encodeName(output.name, model.outputResidues[index]));
  });
}

function putDescription(writer: ByteWriter, description: BoltTensorDescription, version: BoltVersion): void {
  const bytes = new Uint8Array(descriptionSize(version));
  writeDescription(new DataView(bytes.buffer), 0, description, version);
  writer.bytes(bytes);
}

function putOperator(writer: ByteWriter, node: BoltNode, version: BoltVersion): void {
  const { parameters, scales, positions, residues } = node.data;
  writer.bytes(encodeName(node.name, residues.get("name")));
  writer.uint32(numberOf(node, version));
  writer.uint32(node.inputs.length);
  node.inputs.forEach((_, index) => {
    writer.bytes(encodeName(node.input(index).name, residues.get(`input ${index}`)));
  });
  writer.uint32(node.outputs.length);
  node.outputs.forEach((output, index) => {
    writer.bytes(encodeName(output.name, residues.get(`output ${index}`)));
  });
  putPositions(writer, positions, node.inputs.length + node.outputs.length);
  putScales(writer, scales);
  if (parameters.layout.version !== version || parameters.layout.operator !== node.type) {
    throw new BoltqError(
      "invalid-graph",
      `its parameters are those of ${parameters.layout.operator}, version ${parameters.layout.version}`,
      {
        subject: `operator "${node.name}" (${node.type})`,
      },
    );
  }
  writer.bytes(parameters.bytes);
}

function numberOf(node: BoltNode, version: BoltVersion): number {
  const number = numberOfOperator(node.type, version);
  if (number !== undefined) return number;
  throw new BoltqError("unsupported", `Bolt files of version ${version} have no such operator`, {
    subject: `operator "${node.name}" (${node.type})`,
    remedy: "Choose a newer file version",
  });
}

function putPositions(writer: ByteWriter, positions: Int32Array | undefined, count: number): void {
  const stored = positions?.length === count ? positions : new Int32Array(count).fill(-1);
  writer.bytes(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength));
}

function putScales(writer: ByteWriter, scales: readonly Float32Array[]): void {
  writer.uint32(scales.length);
  for (const slot of scales) {
    writer.uint32(slot.length);
    writer.bytes(new Uint8Array(slot.buffer, slot.byteOffset, slot.byteLength));
  }
}

async function writeWeight(writer: ByteWriter, record: BoltWeight, target: Target): Promise<void> {
  const { weight, vector } = record;
  if (weight.length + vector.length > MOST_WEIGHT_BYTES) {
    throw new BoltqError("unsupported", "a weight of 4 GiB or more does not fit in a Bolt file", {
      subject: `"${record.operator}"`,
    });
  }
  writer.uint32(weight.length + vector.length);
  writer.bytes(encodeName(record.operator, record.residue));
  writer.uint32(dataTypeNumber(record.dataType));
  await putBytes(writer, weight, target);
  await putBytes(writer, vector, target);
  putScales(writer, record.scales);
}

async function putBytes(writer: ByteWriter, bytes: Bytes, target: Target): Promise<void> {
  writer.uint32(bytes.length);
  if (bytes.length <= FLUSH_BYTES - writer.length) {
    writer.bytes(await bytes.read());
    return;
  }
  await target.write(writer.take());
  await copy(bytes, target);
}

async function copy(bytes: Bytes, target: Target): Promise<void> {
  for await (const chunk of chunksOf(bytes)) await target.write(chunk);
}
