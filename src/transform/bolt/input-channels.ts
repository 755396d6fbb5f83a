import type { BoltNode, BoltWeight } from "../../bolt/model.ts";

/** Input channels of a group (of all groups, for a transposed convolution), by the size of the weight. */
export function inputChannels(node: BoltNode, record: BoltWeight): number {
  const { parameters } = node.data;
  const sizes = parameters.numbers("num_outputs", "kernel_t", "kernel_h", "kernel_w");
  return sizes.reduce((rest, size) => (size > 0 ? Math.floor(rest / size) : rest), record.weight.length / 4);
}
