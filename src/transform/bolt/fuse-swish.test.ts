import { describePass, eltwise, network } from "../../../test/models/bolt-pass.ts";
import { fuseSwish } from "./fuse-swish.ts";

const SIGMOID = ["Sigmoid", ["x"], "s"] as const;
const K = { inputs: { x: [1, 4, 6, 6], k: [1, 4, 6, 6] } };

describePass("fusing swish", fuseSwish, {
  "x × sigmoid(x)": [network([SIGMOID, eltwise("PROD", ["x", "s"], "y")]), ["Swish"]],
  "sigmoid(x) × x": [network([SIGMOID, eltwise("PROD", ["s", "x"], "y")]), ["Swish"]],
  "not a sum": [network([SIGMOID, eltwise("SUM", ["s", "x"], "y")]), ["Sigmoid", "Eltwise"]],
  "not times something else": [network([SIGMOID, eltwise("PROD", ["s", "k"], "y")], K), ["Sigmoid", "Eltwise"]],
  "not times something else first": [network([SIGMOID, eltwise("PROD", ["k", "s"], "y")], K), ["Sigmoid", "Eltwise"]],
  "not of three": [network([SIGMOID, eltwise("PROD", ["x", "s", "k"], "y")], K), ["Sigmoid", "Eltwise"]],
  "not where the sigmoid goes out": [
    network([SIGMOID, eltwise("PROD", ["x", "s"], "y")], { outputs: ["s", "y"] }),
    ["Sigmoid", "Eltwise"],
  ],
  "not where others read it": [
    network([SIGMOID, eltwise("PROD", ["x", "s"], "y"), ["Relu", ["s"], "z"]], { outputs: ["y", "z"] }),
    ["Sigmoid", "Eltwise", "Relu"],
  ],
  "not another activation": [network([["TanH", ["x"], "s"], eltwise("PROD", ["x", "s"], "y")]), ["TanH", "Eltwise"]],
});
