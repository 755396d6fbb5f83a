import type { BoltNode, BoltValue } from "../../bolt/model.ts";

const NON_NEGATIVE_ACTIVATIONS: ReadonlySet<string> = new Set([
  "RELU",
  "RELU6",
  "SIGMOID",
  "H_SIGMOID",
  "ABS",
  "SOFTPLUS",
]);

const NON_NEGATIVE: ReadonlySet<string> = new Set(["Relu6", "Sigmoid", "HSigmoid", "Abs", "Softplus", "Softmax"]);

/** Operators whose results lie between their inputs' least and largest numbers. */
const WITHIN_RANGE: ReadonlySet<string> = new Set([
  "Pooling",
  "Concat",
  "Reshape",
  "Flatten",
  "Transpose",
  "Slice",
  "ChannelResize",
  "Dropout",
  "Squeeze",
  "Unsqueeze",
]);

/**
 * Tells the values of a Bolt graph that are never below zero; asked in graph order, each answer builds on those before.
 * What is not known is said to be possibly negative.
 */
export class NonNegativeValues {
  readonly #known = new Set<BoltValue>();

  /** Takes the node's outputs in. */
  add(node: BoltNode): void {
    if (this.#isNonNegative(node)) for (const output of node.outputs) this.#known.add(output);
  }

  has(value: BoltValue): boolean {
    return this.#known.has(value);
  }

  #isNonNegative(node: BoltNode): boolean {
    const { parameters } = node.data;
    if (NON_NEGATIVE.has(node.type)) return true;
    if (node.type === "Relu") return parameters.number("neg_slope") === 0;
    if (node.type === "Conv") {
      const pointwise = parameters.value("convolution_type") !== "DEPTHWISE";
      return NON_NEGATIVE_ACTIVATIONS.has(
        String(parameters.value(pointwise ? "pw_activation_type" : "dw_activation_type")),
      );
    }
    if (node.type === "Eltwise") return NON_NEGATIVE_ACTIVATIONS.has(String(parameters.value("activation_type")));
    return WITHIN_RANGE.has(node.type) && node.inputs.every((input) => input !== undefined && this.#known.has(input));
  }
}
