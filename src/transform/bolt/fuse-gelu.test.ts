import { describePass, eltwise, network, power } from "../../../test/models/bolt-pass.ts";
import { fuseGelu } from "./fuse-gelu.ts";

const ERF = [power("x", "scaled", Math.SQRT1_2, 0), ["Erf", ["scaled"], "curve"]] as const;
const SHIFTED = power("curve", "shifted", 1, 1);
const TANH = [
  power("x", "cube", 1, 0, 3),
  power("cube", "small", 0.044715, 0),
  eltwise("SUM", ["x", "small"], "sum"),
  power("sum", "scaled", Math.sqrt(2 / Math.PI), 0),
  ["TanH", ["scaled"], "curve"],
] as const;
const UNFUSED = ["Power", "Erf", "Power", "Power", "Eltwise"];

describePass("fusing GELU", fuseGelu, {
  "the half behind the product": [
    network([...ERF, SHIFTED, eltwise("PROD", ["x", "shifted"], "p"), power("p", "y", 0.5, 0)]),
    ["Gelu"],
  ],
  "the half before the product": [
    network([power("x", "half", 0.5, 0), ...ERF, SHIFTED, eltwise("PROD", ["half", "shifted"], "y")]),
    ["Gelu"],
  ],
  "half of the curve": [
    network([...ERF, SHIFTED, power("shifted", "half", 0.5, 0), eltwise("PROD", ["x", "half"], "y")]),
    ["Gelu"],
  ],
  "half and shift in one": [
    network([...ERF, power("curve", "half", 0.5, 0.5), eltwise("PROD", ["half", "x"], "y")]),
    ["Gelu"],
  ],
  "no half": [network([...ERF, SHIFTED, eltwise("PROD", ["x", "shifted"], "y")]), ["Power", "Erf", "Power", "Eltwise"]],
  "another half": [
    network([...ERF, SHIFTED, power("shifted", "half", 0.6, 0), eltwise("PROD", ["x", "half"], "y")]),
    UNFUSED,
  ],
  "another scale": [
    network([
      power("x", "scaled", 0.7, 0),
      ERF[1],
      SHIFTED,
      power("shifted", "half", 0.5, 0),
      eltwise("PROD", ["x", "half"], "y"),
    ]),
    UNFUSED,
  ],
  "another factor": [
    network([...ERF, SHIFTED, power("shifted", "half", 0.5, 0), eltwise("PROD", ["k", "half"], "y")], {
      inputs: { x: [1, 4, 6, 6], k: [1, 4, 6, 6] },
    }),
    UNFUSED,
  ],
  "a curve that goes out": [
    network([...ERF, SHIFTED, power("shifted", "half", 0.5, 0), eltwise("PROD", ["x", "half"], "y")], {
      outputs: ["curve", "y"],
    }),
    UNFUSED,
  ],
  "tanh of another cube": [
    network([
      power("x", "cube", 1, 0, 2),
      ...TANH.slice(1),
      power("curve", "half", 0.5, 0.5),
      eltwise("PROD", ["x", "half"], "y"),
    ]),
    ["Power", "Power", "Eltwise", "Power", "TanH", "Power", "Eltwise"],
  ],
});
