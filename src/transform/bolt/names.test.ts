import { describe, expect, it } from "vitest";
import { boltModel } from "../../../test/models/bolt-model.ts";
import { network } from "../../../test/models/bolt-pass.ts";
import { interfaceNames, restoreNames } from "./keep-names.ts";
import { newName } from "./new-name.ts";
import { retire } from "./pass.ts";

describe("the names of inputs and outputs", () => {
  it("stay whatever was fused into what", () => {
    const model = boltModel(
      network(
        [
          ["Neg", ["x"], "n"],
          ["Abs", ["n"], "a"],
          ["Relu", ["a"], "y"],
        ],
        { outputs: ["y", "n"] },
      ),
    );
    const names = interfaceNames(model);
    expect(names).toEqual({ inputs: ["x"], outputs: ["y", "n"] });
    const [, abs, relu] = model.graph.nodes;
    abs!.data.residues
      .set("output 0", new Uint8Array(128))
      .set("input 0", new Uint8Array(128))
      .set("name", new Uint8Array(128));
    model.inputResidues = [new Uint8Array(128)];
    retire(model, relu!, true);
    restoreNames(model, names);
    expect(model.graph.outputs.map(({ name }) => name)).toEqual(["y", "n"]);
    expect(abs!.output()).toBe(model.graph.outputs[0]);
    expect([...abs!.data.residues.keys()]).toEqual(["name"]);
    expect(model.inputResidues).toEqual([]);
  });

  it("are both listed where two outputs became one tensor", () => {
    const model = boltModel(
      network(
        [
          ["Neg", ["x"], "n"],
          ["Abs", ["n"], "y"],
        ],
        { outputs: ["n", "y"] },
      ),
    );
    const names = interfaceNames(model);
    retire(model, model.graph.nodes[1]!, true);
    restoreNames(model, names);
    expect(model.graph.outputs.map(({ name, producer }) => [name, producer?.name])).toEqual([
      ["n", undefined],
      ["y", "n"],
    ]);
  });

  it("are left where inputs or outputs were lost", () => {
    for (const lost of ["inputs", "outputs"] as const) {
      const model = boltModel(network([["Neg", ["x"], "n"]], { outputs: ["n"] }));
      const names = interfaceNames(model);
      const other = { ...names, [lost]: ["a", "b"] };
      restoreNames(model, other);
      expect(interfaceNames(model)).toEqual(names);
    }
  });
});

describe("new names", () => {
  it("are those wanted, or numbered in base 60 where these do not fit a field", () => {
    const model = boltModel(network([["Neg", ["x"], "y"]]));
    const long = "n".repeat(128);
    expect(newName(model, "n".repeat(127))).toBe("n".repeat(127));
    expect(newName(model, "ä".repeat(64))).toBe("_0");
    const names = Array.from({ length: 3610 }, () => newName(model, long));
    expect([names[0], names[8], names[9], names[58], names[59], names[60], names[3598], names[3599]]).toEqual([
      "_1",
      "_9",
      "_a",
      "_X",
      "_10",
      "_11",
      "_XX",
      "_100",
    ]);
    expect(newName(boltModel(network([["Neg", ["x"], "y"]])), long)).toBe("_0");
  });
});
