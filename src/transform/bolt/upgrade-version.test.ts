import { expect, it } from "vitest";
import { boltModel, boltOperator } from "../../../test/models/bolt-model.ts";
import { conv, network } from "../../../test/models/bolt-pass.ts";
import { readBolt } from "../../bolt/read.ts";
import { writeBolt } from "../../bolt/write.ts";
import { memorySource } from "../../io/bytes.ts";
import { memoryTarget } from "../../io/target.ts";
import { upgradeVersion } from "./upgrade-version.ts";

const OLD = network([conv("x", "c"), ["LayerNorm", ["c"], "y"]], { version: 20201120 });

it("states all parameters as newer files do", async () => {
  const model = boltModel(OLD);
  upgradeVersion(model, 20220831);
  expect(model.version).toBe(20220831);
  const target = memoryTarget();
  await writeBolt(model, target);
  const read = await readBolt(memorySource(target.result()));
  expect(boltOperator(read, "c").data.parameters.number("num_outputs")).toBe(4);
  expect(boltOperator(read, "y").data.parameters.number("axis")).toBe(-1);
});

it("leaves a model of that version alone", () => {
  const model = boltModel(OLD);
  const { parameters } = boltOperator(model, "c").data;
  upgradeVersion(model, 20201120);
  expect(boltOperator(model, "c").data.parameters).toBe(parameters);
});

it("refuses operators that the version lacks", () => {
  const model = boltModel(network([["Flatten", ["x"], "y", { axis: 1 }]]));
  expect(() => upgradeVersion(model, 20220126)).toThrow(/version 20220126 have no such operator/);
});

it("refuses what the older file does not say", () => {
  const model = boltModel(network([["Input", ["x"], "y"]], { version: 20201120 }));
  expect(() => upgradeVersion(model, 20220831)).toThrow(
    'an operator Input: files of version 20201120 do not say "desc"',
  );
});
