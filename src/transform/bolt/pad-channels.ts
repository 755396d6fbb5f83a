import type { BoltModel, BoltNode, BoltWeight } from "../../bolt/model.ts";
import { newNodeData } from "../../bolt/new-model.ts";
import type { Parameters } from "../../bolt/parameters.ts";
import { Value } from "../../graph/graph.ts";
import type { Bytes } from "../../io/bytes.ts";
import { memoryBytes } from "../../io/bytes.ts";
import { inputChannels } from "./input-channels.ts";
import { onlyReader, type PassOptions, retire } from "./pass.ts";

/** Channel counts are brought to multiples of this. */
const ALIGNMENT = 8;

/**
 * Pads the output channels of convolutions (of transposed ones the input channels too) to multiples of 8 with zero
 * weights, adding a ChannelResize before or after; a cut that meets the matching span is dropped (ChannelPaddingOptimizer).
 */
export async function padChannels(model: BoltModel, { asBolt }: PassOptions): Promise<boolean> {
  let changed = false;
  let place = 0;
  for (const node of model.graph.nodes) {
    const added = await padOperator(model, node, place);
    if (added > 0) changed = true;
    place += 1 + added;
  }
  mergeResizes(model, asBolt);
  return changed;
}

/** Pads one operator; returns how many operators that added. `place` counts the operators before it, retired ones too. */
async function padOperator(model: BoltModel, node: BoltNode, place: number): Promise<number> {
  if (node.type !== "Conv" && node.type !== "Deconvolution") return 0;
  const kind = node.data.parameters.name("convolution_type");
  if (node.type === "Conv" && kind === "DEPTHWISE") return padDepthwise(model, node, place);
  const padded = node.type === "Conv" ? kind === "POINTWISE" || kind === "DILATION" : kind === "DECONVOLUTION";
  return padded ? padConvolution(model, node, place) : 0;
}

function roundUp(count: number, base: number): number {
  return Math.ceil(count / base) * base;
}

async function padDepthwise(model: BoltModel, node: BoltNode, place: number): Promise<number> {
  const kernels = node.data.parameters.number("num_outputs");
  const wanted = roundUp(kernels, ALIGNMENT);
  const record = model.weights.of(node);
  if (wanted === kernels || record === undefined) return 0;
  node.data.parameters.set("num_outputs", wanted);
  record.weight = await withZeros(record.weight, Math.floor(record.weight.length / kernels) * wanted);
  if (record.vector.length > 0)
    record.vector = await withZeros(record.vector, Math.floor(record.vector.length / kernels) * wanted);
  const [before, after] = [resizeName(place), resizeName(place + 2)];
  insertSpan(model, node, before, { symmetric: after, group: 1, channel_before: kernels, channel_after: wanted });
  insertCut(model, node, after, { symmetric: "", group: 1, channel_before: wanted, channel_after: kernels });
  return 2;
}

async function padConvolution(model: BoltModel, node: BoltNode, place: number): Promise<number> {
  const { parameters } = node.data;
  const group = parameters.number("group");
  const kernels = parameters.number("num_outputs");
  const record = model.weights.of(node);
  if (record === undefined || kernels === 0 || group === 0) return 0;
  const channels = inputChannels(node, record);
  const base = ALIGNMENT * group;
  const newKernels = roundUp(kernels, base);
  const newChannels = node.type === "Deconvolution" ? roundUp(channels, base) : channels;
  if (newKernels === kernels && newChannels === channels) return 0;
  parameters.set("num_outputs", newKernels);
  record.weight = await paddedWeight(node, record, { group, kernels, newKernels, channels, newChannels });
  if (newKernels !== kernels && record.vector.length > 0)
    record.vector = await paddedVector(record.vector, group, kernels, newKernels);
  const [wider, longer] = [newChannels !== channels, newKernels !== kernels];
  const cut = resizeName(wider ? place + 2 : place + 1);
  if (wider) {
    const span = { symmetric: longer ? cut : "", group, channel_before: channels, channel_after: newChannels };
    insertSpan(model, node, resizeName(place), span);
  }
  if (longer) insertCut(model, node, cut, { symmetric: "", group, channel_before: newKernels, channel_after: kernels });
  return Number(wider) + Number(longer);
}

interface Sizes {
  readonly group: number;
  readonly kernels: number;
  readonly newKernels: number;
  readonly channels: number;
  readonly newChannels: number;
}

/** Bolt stores a convolution's weight as [output, input, kernel], a transposed one's as [input, output, kernel]. */
async function paddedWeight(node: BoltNode, record: BoltWeight, sizes: Sizes): Promise<Bytes> {
  const { group, kernels, newKernels, channels, newChannels } = sizes;
  const old = await record.weight.read();
  const tile = Math.floor(old.length / kernels / channels);
  const padded = new Uint8Array(tile * newKernels * newChannels);
  const [outputs, newOutputs] = [kernels / group, newKernels / group];
  const move = (from: number, to: number, length: number) =>
    padded.set(old.subarray(from * tile, (from + length) * tile), to * tile);
  if (node.type === "Deconvolution") {
    const [inputs, newInputs] = [channels / group, newChannels / group];
    for (let channel = 0; channel < channels; channel++) {
      const newChannel = Math.floor(channel / inputs) * newInputs + (channel % inputs);
      for (let part = 0; part < group; part++) {
        move(channel * kernels + part * outputs, newChannel * newKernels + part * newOutputs, outputs);
      }
    }
  } else {
    for (let part = 0; part < group; part++)
      move(part * outputs * channels, part * newOutputs * channels, outputs * channels);
  }
  return memoryBytes(padded);
}

async function paddedVector(vector: Bytes, group: number, kernels: number, newKernels: number): Promise<Bytes> {
  const old = await vector.read();
  const size = Math.floor(old.length / kernels);
  const padded = new Uint8Array(size * newKernels);
  const [part, newPart] = [(size * kernels) / group, (size * newKernels) / group];
  for (let index = 0; index < group; index++)
    padded.set(old.subarray(index * part, (index + 1) * part), index * newPart);
  return memoryBytes(padded);
}

async function withZeros(bytes: Bytes, length: number): Promise<Bytes> {
  const padded = new Uint8Array(length);
  padded.set(await bytes.read());
  return memoryBytes(padded);
}

function resizeName(place: number): string {
  return `ChannelResize_${place}`;
}

type ResizeParameters = { symmetric: string; group: number; channel_before: number; channel_after: number };

function resizeData(model: BoltModel, parameters: ResizeParameters): BoltNode["data"] {
  return newNodeData("ChannelResize", model.version, parameters);
}

function insertSpan(model: BoltModel, node: BoltNode, name: string, parameters: ResizeParameters): void {
  const spanned = new Value<BoltNode["data"]>(name);
  model.graph.insertBefore(node, {
    name,
    type: "ChannelResize",
    inputs: [node.input(0)],
    outputs: [spanned],
    data: resizeData(model, parameters),
  });
  node.setInput(0, spanned);
}

/** The network goes on with the value it knew; the operator gives a new one, to be cut. */
function insertCut(model: BoltModel, node: BoltNode, name: string, parameters: ResizeParameters): void {
  const [output, ...others] = node.outputs;
  const uncut = new Value<BoltNode["data"]>(name);
  node.setOutputs([uncut, ...others]);
  model.graph.insertAfter(node, {
    name,
    type: "ChannelResize",
    inputs: [uncut],
    outputs: [output!],
    data: resizeData(model, parameters),
  });
}

function mergeResizes(model: BoltModel, asBolt: boolean): void {
  for (const cut of model.graph.nodes) {
    if (cut.type !== "ChannelResize") continue;
    for (const span of cut.output().users) {
      if (span.type !== "ChannelResize" || !undoes(cut, span)) continue;
      const parameters = cut.data.parameters;
      const needed = !asBolt && model.graph.outputs.includes(cut.output());
      if (onlyReader(cut) === span && !needed) retire(model, cut, true);
      else span.setInput(0, cut.input(0));
      const third = asBolt ? model.graph.nodes[model.graph.nodes.indexOf(span) + 2] : undefined;
      retire(model, span, true);
      if (third !== undefined && isBlank(third)) overwrite(third, parameters);
    }
  }
}

function undoes(cut: BoltNode, span: BoltNode): boolean {
  const [one, other] = [cut.data.parameters, span.data.parameters];
  if (other.number("group") === 0) return true;
  return (
    other.number("group") === one.number("group") &&
    other.number("channel_before") === one.number("channel_after") &&
    other.number("channel_after") === one.number("channel_before")
  );
}

/**
 * Bolt asks the operator two places on, whatever its type, for the group of a ChannelResize, and where that reads as 0
 * overwrites its parameters with those of the cut.
 */
function isBlank(node: BoltNode): boolean {
  return node.type === "ChannelResize"
    ? node.data.parameters.number("group") === 0
    : node.data.parameters.bytes.length <= 128;
}

function overwrite(node: BoltNode, source: Parameters): void {
  node.data.parameters.bytes.set(source.bytes.subarray(0, node.data.parameters.bytes.length));
}
