import { describePass, eltwise, network, power } from "../../../test/models/bolt-pass.ts";
import { simplifyPowers } from "./simplify-powers.ts";

/** Positive numbers, so that every exponent has a result. */
const S = ["Sigmoid", ["x"], "s"] as const;
const OUT = ["Neg", ["e"], "y"] as const;

describePass("simplifying powers", simplifyPowers, {
  "one that changes nothing goes": [network([S, power("s", "e", 1, 0), OUT]), ["Sigmoid", "Neg"]],
  "not one with a factor": [network([S, power("s", "e", 2, 0), OUT]), ["Sigmoid", "Power", "Neg"]],
  "not one with a summand": [network([S, power("s", "e", 1, 2), OUT]), ["Sigmoid", "Power", "Neg"]],
  "not one with an exponent": [network([S, power("s", "e", 1, 0, 2), OUT]), ["Sigmoid", "Power", "Neg"]],
  "exponents in a row": [
    network([S, power("s", "a", 3, 0, 2), power("a", "e", 1, 0, 0.5), OUT]),
    ["Sigmoid", "Power", "Neg"],
  ],
  "not with a summand between": [
    network([S, power("s", "a", 3, 1, 2), power("a", "e", 1, 1, 0.5), OUT]),
    ["Sigmoid", "Power", "Power", "Neg"],
  ],
  "not with a summand in the first": [
    network([S, power("s", "a", 3, 1, 2), power("a", "e", 1, 0, 0.5), OUT]),
    ["Sigmoid", "Power", "Power", "Neg"],
  ],
  "not with a factor between": [
    network([S, power("s", "a", 3, 0, 2), power("a", "e", 2, 0, 0.5), OUT]),
    ["Sigmoid", "Power", "Power", "Neg"],
  ],
  "linear ones in a row": [
    network([S, power("s", "a", 3, 1), power("a", "b", -2, 0.5), power("b", "e", 0.5, 7), OUT]),
    ["Sigmoid", "Power", "Neg"],
  ],
  "linear ones that cancel": [network([S, power("s", "a", 2, 1), power("a", "e", 0.5, -0.5), OUT]), ["Sigmoid", "Neg"]],
  "not a linear one before an exponent": [
    network([S, power("s", "a", 2, 1), power("a", "e", 1, 0, 2), OUT]),
    ["Sigmoid", "Power", "Power", "Neg"],
  ],
  "not where the tensor between goes out": [
    network([S, power("s", "a", 3, 1), power("a", "e", 2, 1), OUT], { outputs: ["a", "y"] }),
    ["Sigmoid", "Power", "Power", "Neg"],
  ],
  "shares that come to one": [
    network([S, power("s", "a", 0.25, 0), power("s", "b", 0.75, 0), eltwise("SUM", ["a", "b"], "e"), OUT]),
    ["Sigmoid", "Neg"],
  ],
  "not shares that do not": [
    network([S, power("s", "a", 0.25, 0), power("s", "b", 0.5, 0), eltwise("SUM", ["a", "b"], "e"), OUT]),
    ["Sigmoid", "Power", "Power", "Eltwise", "Neg"],
  ],
  "not shares with a summand": [
    network([S, power("s", "a", 0.25, 0), power("s", "b", 0.75, 1), eltwise("SUM", ["a", "b"], "e"), OUT]),
    ["Sigmoid", "Power", "Power", "Eltwise", "Neg"],
  ],
  "not shares of two values": [
    network([S, power("s", "a", 0.25, 0), power("x", "b", 0.75, 0), eltwise("SUM", ["a", "b"], "e"), OUT]),
    ["Sigmoid", "Power", "Power", "Eltwise", "Neg"],
  ],
  "not their product": [
    network([S, power("s", "a", 0.25, 0), power("s", "b", 0.75, 0), eltwise("PROD", ["a", "b"], "e"), OUT]),
    ["Sigmoid", "Power", "Power", "Eltwise", "Neg"],
  ],
  "not with an activation": [
    network([
      power("x", "a", 0.25, 0),
      power("x", "b", 0.75, 0),
      eltwise("SUM", ["a", "b"], "e", { activation_type: "RELU" }),
      OUT,
    ]),
    ["Power", "Power", "Eltwise", "Neg"],
  ],
  "not where others read a share": [
    network(
      [
        S,
        power("s", "a", 0.25, 0),
        power("s", "b", 0.75, 0),
        eltwise("SUM", ["a", "b"], "e"),
        OUT,
        ["Neg", ["b"], "z"],
      ],
      { outputs: ["y", "z"] },
    ),
    ["Sigmoid", "Power", "Power", "Eltwise", "Neg", "Neg"],
  ],
  "x × x is a square": [network([eltwise("PROD", ["x", "x"], "y")]), ["Power"]],
  "x + x is not": [network([eltwise("SUM", ["x", "x"], "y")]), ["Eltwise"]],
  "nor x × s": [network([S, eltwise("PROD", ["x", "s"], "y")]), ["Sigmoid", "Eltwise"]],
  "nor x × x × x": [network([eltwise("PROD", ["x", "x", "x"], "y")]), ["Eltwise"]],
});
