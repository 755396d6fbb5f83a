import { floatBytes, floatsOf } from "../../bolt/lazy-floats.ts";
import type { BoltModel, BoltNode, BoltWeight } from "../../bolt/model.ts";
import { type Bytes, rangeOf } from "../../io/bytes.ts";
import { onlyReader, type PassOptions, retire } from "./pass.ts";

const FLOAT_BYTES = 4;

/**
 * A depthwise convolution and the plain one behind it become one operator (DepthwisePointwiseOptimizer). The operator has
 * no window for the second: other than as Bolt, one that is larger than a pixel, or moves by more, is left alone.
 */
export async function fuseDepthwisePointwise(model: BoltModel, { asBolt }: PassOptions): Promise<boolean> {
  let changed = false;
  for (const depthwise of model.graph.nodes) {
    if (!isOfKind(depthwise, "DEPTHWISE") || depthwise.outputs.some((output) => model.graph.outputs.includes(output)))
      continue;
    const pointwise = onlyReader(depthwise);
    if (pointwise === undefined || !isOfKind(pointwise, "POINTWISE") || pointwise.data.parameters.number("group") !== 1)
      continue;
    if (!asBolt && !seesOnePixel(pointwise)) continue;
    const [one, other] = [model.weights.of(depthwise), model.weights.of(pointwise)];
    if (one === undefined || other === undefined) continue;
    const [channels, outputs] = [depthwise, pointwise].map(({ data }) => data.parameters.number("num_outputs")) as [
      number,
      number,
    ];
    // Of a damaged model: there is no place for more numbers than channels.
    if (one.vector.length > FLOAT_BYTES * channels || other.vector.length > FLOAT_BYTES * outputs) continue;
    one.vector = await bothVectors(one, channels, other, outputs);
    one.weight = joined(one.weight, other.weight);
    depthwise.data.parameters.set("num_outputs", outputs);
    depthwise.data.parameters.set("convolution_type", "DEPTHWISE_POINTWISE");
    depthwise.data.parameters.set("pw_activation_type", pointwise.data.parameters.number("pw_activation_type"));
    retire(model, pointwise, true);
    changed = true;
  }
  return changed;
}

function isOfKind(node: BoltNode, kind: string): boolean {
  return node.type === "Conv" && node.data.parameters.name("convolution_type") === kind;
}

function seesOnePixel({ data: { parameters } }: BoltNode): boolean {
  return (
    parameters
      .numbers("kernel_t", "kernel_h", "kernel_w", "stride_t", "stride_h", "stride_w")
      .every((size) => size <= 1) &&
    parameters
      .numbers("pad_before", "pad_after", "pad_top", "pad_bottom", "pad_left", "pad_right")
      .every((size) => size === 0)
  );
}

async function bothVectors(one: BoltWeight, count: number, other: BoltWeight, otherCount: number): Promise<Bytes> {
  const both = new Float32Array(count + otherCount);
  if (one.vector.length > 0) both.set(floatsOf(await one.vector.read()));
  if (other.vector.length > 0) both.set(floatsOf(await other.vector.read()), count);
  return floatBytes(both);
}

/** One run of bytes after the other, read from where they are. */
function joined(one: Bytes, other: Bytes): Bytes {
  const length = one.length + other.length;
  return {
    length,
    read: async (offset = 0, count = length - offset) => {
      const result = new Uint8Array(count);
      const ofFirst = Math.max(0, Math.min(count, one.length - offset));
      if (ofFirst > 0) result.set(await rangeOf(one, offset, ofFirst).read());
      if (ofFirst < count)
        result.set(await rangeOf(other, offset + ofFirst - one.length, count - ofFirst).read(), ofFirst);
      return result;
    },
  };
}
