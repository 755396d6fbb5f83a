import { describePass, eltwise, network } from "../../../test/models/bolt-pass.ts";
import { mergeRelus } from "./merge-relus.ts";

const relu = (input: string, output: string) => ["Relu", [input], output] as const;
const source = ["TanH", ["x"], "t"] as const;

describePass("merging Relus of one value", mergeRelus, {
  "three into one": [
    network([source, relu("t", "a"), relu("t", "b"), relu("t", "c"), eltwise("PROD", ["a", "b", "c"], "y")]),
    ["TanH", "Relu", "Eltwise"],
  ],
  "not of two values": [
    network([source, relu("t", "a"), ["Sigmoid", ["x"], "s"], relu("s", "b"), eltwise("PROD", ["a", "b"], "y")]),
    ["TanH", "Relu", "Sigmoid", "Relu", "Eltwise"],
  ],
  "not one that goes out": [
    network([source, relu("t", "a"), relu("t", "b"), ["Neg", ["a"], "y"]], { outputs: ["y", "b"] }),
    ["TanH", "Relu", "Relu", "Neg"],
  ],
});
