import type { BoltOperator } from "../../../test/models/bolt-model.ts";
import { describePass, eltwise, network, power } from "../../../test/models/bolt-pass.ts";
import { fuseHardSwish } from "./fuse-hard-swish.ts";

const ADD = power("x", "a", 1, 3);
const RELU6: BoltOperator = ["Relu6", ["a"], "r"];
const SIXTH = 1 / 6;
const divide = (input: string, output: string, factor = SIXTH, shift = 0) => power(input, output, factor, shift);
const product = (inputs: readonly string[], output: string, mode = "PROD") => eltwise(mode, inputs, output);

describePass("fusing hard swish and hard sigmoid", fuseHardSwish, {
  "x × relu6(x + 3) / 6": [network([ADD, RELU6, product(["x", "r"], "m"), divide("m", "y")]), ["HSwish"]],
  "x × (relu6(x + 3) / 6)": [network([ADD, RELU6, divide("r", "d"), product(["d", "x"], "y")]), ["HSwish"]],
  "x × relu6(x + 3)": [network([ADD, RELU6, product(["r", "x"], "y")]), ["HSwishNoDiv"]],
  "relu6(x + 3) / 6": [network([ADD, RELU6, divide("r", "y")]), ["HSigmoid"]],
  "the product goes out as well": [
    network([ADD, RELU6, product(["x", "r"], "m"), divide("m", "y")], { outputs: ["m", "y"] }),
    ["HSwishNoDiv", "Power"],
  ],
  "times something else": [
    network([ADD, RELU6, divide("r", "d"), product(["d", "k"], "y")], { inputs: { x: [1, 4, 6, 6], k: [1, 4, 6, 6] } }),
    ["HSigmoid", "Eltwise"],
  ],
  "the quotient is read twice": [
    network([ADD, RELU6, divide("r", "d"), product(["d", "x"], "y"), ["Relu", ["d"], "z"]], { outputs: ["y", "z"] }),
    ["HSigmoid", "Eltwise", "Relu"],
  ],
  "not a sum instead of the product": [
    network([ADD, RELU6, product(["r", "x"], "y", "SUM")]),
    ["Power", "Relu6", "Eltwise"],
  ],
  "not divided by something else": [network([ADD, RELU6, divide("r", "y", 0.2)]), ["Power", "Relu6", "Power"]],
  "not with another summand behind": [network([ADD, RELU6, divide("r", "y", SIXTH, 1)]), ["Power", "Relu6", "Power"]],
  "not with another summand before": [
    network([power("x", "a", 1, 2), RELU6, divide("r", "y")]),
    ["Power", "Relu6", "Power"],
  ],
  "not with a factor before": [network([power("x", "a", 2, 3), RELU6, divide("r", "y")]), ["Power", "Relu6", "Power"]],
  "not with an exponent before": [
    network([power("x", "a", 1, 3, 2), RELU6, divide("r", "y")]),
    ["Power", "Relu6", "Power"],
  ],
  "not a plain Relu": [network([ADD, ["Relu", ["a"], "r"], divide("r", "y")]), ["Power", "Relu", "Power"]],
  "not where the sum goes out": [
    network([ADD, RELU6, divide("r", "y")], { outputs: ["a", "y"] }),
    ["Power", "Relu6", "Power"],
  ],
  "not where the Relu6 goes out": [
    network([ADD, RELU6, divide("r", "y")], { outputs: ["r", "y"] }),
    ["Power", "Relu6", "Power"],
  ],
  "not where others read the sum": [
    network([ADD, RELU6, divide("r", "y"), ["Relu", ["a"], "z"]], { outputs: ["y", "z"] }),
    ["Power", "Relu6", "Power", "Relu"],
  ],
  "not where others read the Relu6": [
    network([ADD, RELU6, divide("r", "y"), ["Relu", ["r"], "z"]], { outputs: ["y", "z"] }),
    ["Power", "Relu6", "Power", "Relu"],
  ],
});
