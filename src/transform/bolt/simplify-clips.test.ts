import { describePass, network } from "../../../test/models/bolt-pass.ts";
import { simplifyClips } from "./simplify-clips.ts";

const clip = (input: string, output: string, min: number, max: number) =>
  ["Clip", [input], output, { min, max }] as const;

describePass("simplifying clips", simplifyClips, {
  "two into the narrower": [network([clip("x", "a", -0.5, 0.75), clip("a", "y", -0.25, 1)]), ["Clip"]],
  "two into the narrower, the other way round": [
    network([clip("x", "a", -0.25, 1), clip("a", "y", -0.5, 0.75)]),
    ["Clip"],
  ],
  "0 to 6 is a Relu6": [network([clip("x", "y", 0, 6)]), ["Relu6"]],
  "two that come to 0 to 6": [network([clip("x", "a", 0, 7), clip("a", "y", -1, 6)]), ["Relu6"]],
  "0 to 5 is not": [network([clip("x", "y", 0, 5)]), ["Clip"]],
  "-1 to 6 is not": [network([clip("x", "y", -1, 6)]), ["Clip"]],
  "not where the tensor between goes out": [
    network([clip("x", "a", -0.5, 0.5), clip("a", "y", -0.25, 1)], { outputs: ["a", "y"] }),
    ["Clip", "Clip"],
  ],
  "not where others read it": [
    network([clip("x", "a", -0.5, 0.5), clip("a", "y", -0.25, 1), ["Neg", ["a"], "z"]], { outputs: ["y", "z"] }),
    ["Clip", "Clip", "Neg"],
  ],
});
