import { expect, it } from "vitest";
import { boltModel, boltOperator } from "../../../test/models/bolt-model.ts";
import { conv, describePass, fullyConnected, network, power, scale } from "../../../test/models/bolt-pass.ts";
import { typesOf } from "../../../test/models/onnx-model.ts";
import { foldScale } from "./fold-scale.ts";
import { dropRetired } from "./pass.ts";

const ROWS = { inputs: { x: [3, 6] } };
/** The chain ends before the last operator: what Bolt looks at. */
const END = ["Relu", ["e"], "y"] as const;

describePass("folding factors and summands", foldScale, {
  "a Power into a convolution": [network([conv("x", "c"), power("c", "y", -2, 0.5)]), ["Conv"]],
  "a Power into a layer without bias": [
    network([fullyConnected("x", "c", 6, 4, false), power("c", "y", 3, 0.25)], ROWS),
    ["FC"],
  ],
  "a Power into a Scale": [network([scale("x", "c"), power("c", "y", 3, 0.25)]), ["Scale"]],
  "a Power into a factor alone": [network([scale("x", "c", "factor"), power("c", "y", 3, 0.25)]), ["Scale"]],
  "a Power into a summand alone": [network([scale("x", "c", "summand"), power("c", "y", 3, 0.25)]), ["Scale"]],
  "a Scale into a convolution": [network([conv("x", "c"), scale("c", "y")]), ["Conv"]],
  "a factor into a convolution": [network([conv("x", "c"), scale("c", "y", "factor")]), ["Conv"]],
  "a summand into a convolution": [network([conv("x", "c"), scale("c", "y", "summand")]), ["Conv"]],
  "a Scale into a Scale": [network([scale("x", "c"), scale("c", "y")]), ["Scale"]],
  "a factor into a summand": [network([scale("x", "c", "summand"), scale("c", "y", "factor")]), ["Scale"]],
  "a whole chain": [
    network([conv("x", "c"), power("c", "p", 2, 1), scale("p", "s"), power("s", "q", 0.5, -1), scale("q", "e"), END]),
    ["Conv", "Relu"],
  ],
  "a Power into the Scale behind it": [
    network([["Relu", ["x"], "r"], power("r", "p", 2, 1), scale("p", "y")]),
    ["Relu", "Scale"],
  ],
  "a Power into the factor behind it": [
    network([["Relu", ["x"], "r"], power("r", "p", 2, 1), scale("p", "y", "factor")]),
    ["Relu", "Scale"],
  ],
  "a Power into the summand behind it": [
    network([["Relu", ["x"], "r"], power("r", "p", 2, 1), scale("p", "y", "summand")]),
    ["Relu", "Scale"],
  ],
  "not one number for all channels": [network([conv("x", "c"), scale("c", "y", "both", 1)]), ["Conv", "Scale"]],
  "not a summand for all channels": [network([conv("x", "c"), scale("c", "y", "summand", 1)]), ["Conv", "Scale"]],
  "not with an exponent": [network([conv("x", "c"), power("c", "y", 2, 0, 2)]), ["Conv", "Power"]],
  "not with an exponent into what follows": [
    network([["Relu", ["x"], "r"], power("r", "p", 2, 1, 2), scale("p", "y")]),
    ["Relu", "Power", "Scale"],
  ],
  "not over an activation": [
    network([conv("x", "c", { pw_activation_type: "RELU" }), scale("c", "y")]),
    ["Conv", "Scale"],
  ],
  "not where the host is an output": [
    network([conv("x", "c"), power("c", "p", 2, 1), scale("p", "y")], { outputs: ["c", "y"] }),
    ["Conv", "Scale"],
  ],
  "not where the Power is an output": [
    network([["Relu", ["x"], "r"], power("r", "p", 2, 1), scale("p", "y")], { outputs: ["p", "y"] }),
    ["Relu", "Power", "Scale"],
  ],
  "not where others read it": [
    network([conv("x", "c"), scale("c", "y"), ["Relu", ["c"], "z"]], { outputs: ["y", "z"] }),
    ["Conv", "Scale", "Relu"],
  ],
  "not a Scale by another tensor": [
    network([conv("x", "c"), ["Scale", ["c", "k"], "y", { axis: 1 }]], { inputs: { x: [1, 4, 6, 6], k: [4] } }),
    ["Conv", "Scale"],
  ],
  "not a Power into a Scale by another tensor": [
    network([["Relu", ["x"], "r"], power("r", "p", 2, 1), ["Scale", ["p", "k"], "y", { axis: 1 }]], {
      inputs: { x: [1, 4, 6, 6], k: [4] },
    }),
    ["Relu", "Power", "Scale"],
  ],
});

describePass("folding into Scale alone", (model, options) => foldScale(model, { ...options, onlyIntoScale: true }), {
  "leaves convolutions their Scale": [network([conv("x", "c"), scale("c", "s"), scale("s", "y")]), ["Conv", "Scale"]],
});

it.each([
  [20220831, "y"],
  [20220126, "c"],
] as const)("in version %i names an output that a Scale gave %s", async (version, name) => {
  const model = boltModel(network([conv("x", "c"), scale("c", "y")], { version }));
  await foldScale(model, { asBolt: false });
  expect(boltOperator(model, "c").output().name).toBe(name);
});

it("folds behind an output of the network, as Bolt does", async () => {
  const model = boltModel(network([conv("x", "c"), scale("c", "y")], { outputs: ["c", "y"] }));
  expect(await foldScale(model, { asBolt: true })).toBe(true);
  dropRetired(model);
  expect(typesOf(model)).toEqual(["Conv"]);
});

it.each(["BIN01", "BIN11"] as const)("leaves weights of one bit (%s) as they are", async (dataType) => {
  const [type, inputs, output, parameters] = conv("x", "c", { kernel: 1, outputs: 8 });
  const weight = { dataType, bytes: Uint8Array.of(1, 2, 3, 4), vector: new Float32Array(16) };
  for (const next of [scale("c", "y", "both", 8), power("c", "y", 2, 1)]) {
    const model = boltModel(network([[type, inputs, output, parameters!, weight], next]));
    expect(await foldScale(model, { asBolt: false })).toBe(false);
  }
});
