import { describePass, network } from "../../../test/models/bolt-pass.ts";
import { dropReshapesBeforeReshapes, simplifyReshapes } from "./simplify-reshapes.ts";

const reshape = (input: string, output: string, ...shape: number[]) =>
  ["Reshape", [input], output, { shape, num_shape: shape.length, axis: 0, num_axes: -1 }] as const;
const squeeze = (type: "Squeeze" | "Unsqueeze", input: string, output: string, ...axes: number[]) =>
  [type, [input], output, { axes, num_axes: axes.length }] as const;
const X = { inputs: { x: [1, 4, 1, 6] } };
/** Bolt looks at no last operator. */
const END = ["Neg", ["e"], "y"] as const;

describePass("taking out a Reshape before Reshapes", dropReshapesBeforeReshapes, {
  one: [network([reshape("x", "a", 24), reshape("a", "e", 2, 12), END], X), ["Reshape", "Neg"]],
  several: [
    network([reshape("x", "a", 24), reshape("a", "b", 2, 12), reshape("a", "e", 3, 8), END], {
      ...X,
      outputs: ["y", "b"],
    }),
    ["Reshape", "Reshape", "Neg"],
  ],
  "not where something else reads it": [
    network([reshape("x", "a", 24), reshape("a", "e", 2, 12), END, ["Neg", ["a"], "z"]], { ...X, outputs: ["y", "z"] }),
    ["Reshape", "Reshape", "Neg", "Neg"],
  ],
  "not where it goes out": [
    network([reshape("x", "a", 24), reshape("a", "e", 2, 12), END], { ...X, outputs: ["a", "y"] }),
    ["Reshape", "Reshape", "Neg"],
  ],
  "not where nothing reads it": [
    network([["Neg", ["x"], "y"], reshape("x", "a", 24), ["Neg", ["x"], "z"]], X),
    ["Neg", "Reshape", "Neg"],
  ],
});

describePass("simplifying Squeeze and Reshape", simplifyReshapes, {
  "a Squeeze before": [
    network([squeeze("Squeeze", "x", "a", 0, 2), reshape("a", "e", 2, 12), END], X),
    ["Reshape", "Neg"],
  ],
  "an Unsqueeze before": [
    network([squeeze("Unsqueeze", "x", "a", 1), reshape("a", "e", 2, 12), END], X),
    ["Reshape", "Neg"],
  ],
  "a Squeeze behind": [
    network([reshape("x", "a", 4, 1, 6, 1), squeeze("Squeeze", "a", "e", 1, 3), END], X),
    ["Reshape", "Neg"],
  ],
  "a Squeeze behind, from the end": [
    network([reshape("x", "a", 1, 4, 6, 1), squeeze("Squeeze", "a", "e", -1), END], X),
    ["Reshape", "Neg"],
  ],
  "an Unsqueeze behind": [
    network([reshape("x", "a", 4, 6), squeeze("Unsqueeze", "a", "e", 2, 0), END], X),
    ["Reshape", "Neg"],
  ],
  "an Unsqueeze behind, from the end": [
    network([reshape("x", "a", 4, 6), squeeze("Unsqueeze", "a", "e", -1), END], X),
    ["Reshape", "Neg"],
  ],
  "not where the tensor between goes out": [
    network([reshape("x", "a", 4, 1, 6), squeeze("Squeeze", "a", "e", 1), END], { ...X, outputs: ["a", "y"] }),
    ["Reshape", "Squeeze", "Neg"],
  ],
  "not where others read it": [
    network([reshape("x", "a", 4, 1, 6), squeeze("Squeeze", "a", "e", 1), END, ["Neg", ["a"], "z"]], {
      ...X,
      outputs: ["y", "z"],
    }),
    ["Reshape", "Squeeze", "Neg", "Neg"],
  ],
  "not before another operator": [network([squeeze("Squeeze", "x", "e", 0), END], X), ["Squeeze", "Neg"]],
  "not behind one of channels last": [
    network(
      [
        ["Reshape", ["x"], "a", { shape: [1, 4, 6], num_shape: 3, axis: 8, num_axes: -1 }],
        squeeze("Squeeze", "a", "e", 0),
        END,
      ],
      X,
    ),
    ["Reshape", "Squeeze", "Neg"],
  ],
});
