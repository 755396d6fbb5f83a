import { expect, it } from "vitest";
import { type BoltModelInit, boltModel } from "../../../test/models/bolt-model.ts";
import { network } from "../../../test/models/bolt-pass.ts";
import { workInPlace } from "./work-in-place.ts";

const CONV = ["Conv", ["x"], "c"] as const;

it.each<[string, BoltModelInit, string[]]>([
  ["gives its input its own name", network([CONV, ["Relu", ["c"], "y"]]), ["y", "y"]],
  ["passes the name on", network([CONV, ["Relu", ["c"], "r"], ["Gelu", ["r"], "y"]]), ["y", "y", "y"]],
  [
    "not where others read the input",
    network([CONV, ["Relu", ["c"], "y"], ["TanH", ["c"], "z"]], { outputs: ["y", "z"] }),
    ["c", "y", "z"],
  ],
  ["not where the input goes out", network([CONV, ["Relu", ["c"], "y"]], { outputs: ["c", "y"] }), ["c", "y"]],
  [
    "not on an input of the network",
    network([
      ["Neg", ["x"], "n"],
      ["Relu", ["x"], "y"],
    ]),
    ["n", "y"],
  ],
  ["not another operator", network([CONV, ["TanH", ["c"], "y"]]), ["c", "y"]],
])("an activation %s", async (_, init, names) => {
  const model = boltModel(init);
  const old = model.graph.nodes.map((node) => node.output().name);
  const changed = await workInPlace(model);
  expect(model.graph.nodes.map((node) => node.output().name)).toEqual(names);
  expect(changed).toBe(names.join() !== old.join());
});
