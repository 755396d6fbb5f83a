import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeModel } from "../src/convert/model-file.ts";
import { fileTarget } from "../src/io/node/file-target.ts";
import { smallExample, smallNetwork } from "./models/small-network.ts";
import { runProgram } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "boltq-statistics-"));
const at = (name: string) => join(folder, name);
const boltq = (...args: string[]) => runProgram("boltq", ...args);
const calibrate = (model: string, output: string, ...args: string[]) =>
  boltq("calibrate", at(model), "--data", at("data"), "-o", at(output), ...args);
const merge = (...parts: string[]) => boltq("calibrate", "--merge", ...parts.map(at), "-o", at("merged.json"));

beforeAll(async () => {
  await writeModel(smallNetwork(), fileTarget(at("m.onnx")));
  const other = smallNetwork();
  other.producerVersion = "2";
  await writeModel(other, fileTarget(at("other.onnx")));
  mkdirSync(at("data"));
  for (let seed = 1; seed <= 5; seed++) writeFileSync(join(at("data"), `${seed}.npy`), smallExample(seed));
  for (let part = 1; part <= 3; part++) calibrate("m.onnx", `p${part}.json`, "--shard", `${part}/3`);
  calibrate("m.onnx", "whole.json");
});
afterAll(() => rmSync(folder, { recursive: true }));

it("all shards, in any order, give the bytes of the whole", () => {
  expect(merge("p3.json", "p1.json", "p2.json")).toMatchObject({ status: 0 });
  expect(readFileSync(at("merged.json"), "utf8")).toBe(readFileSync(at("whole.json"), "utf8"));
  rmSync(at("merged.json"));
});

it("statistics do not depend on the folder of the model", () => {
  mkdirSync(at("elsewhere"));
  copyFileSync(at("m.onnx"), join(at("elsewhere"), "n.onnx"));
  calibrate("elsewhere/n.onnx", "moved.json");
  expect(readFileSync(at("moved.json"), "utf8")).toBe(readFileSync(at("whole.json"), "utf8"));
});

it.each([
  ["a shard that is missing", ["--shard", "3/3"], ["p1.json", "x.json"], "the shards 2/3 are missing"],
  ["other preprocessing", ["--shard", "3/3", "--scale", "2"], ["p1.json", "p2.json", "x.json"], "scale is 1 in"],
  ["another collection", ["--shard", "3/3", "--collect", "sample"], ["p1.json", "p2.json", "x.json"], "collect is"],
  ["another limit", ["--shard", "3/3", "--limit", "4"], ["p1.json", "p2.json", "x.json"], "limit is none in"],
  ["another division", ["--shard", "1/2"], ["p2.json", "x.json"], "the parts are shards of 3 and shards of 2"],
])("merging refuses %s and writes nothing", (_, options, parts, problem) => {
  calibrate("m.onnx", "x.json", ...options);
  const { status, stderr } = merge(...parts);
  expect(status).toBe(1);
  expect(stderr).toContain(problem);
  expect(existsSync(at("merged.json"))).toBe(false);
});

it("merging refuses parts of another model", () => {
  calibrate("other.onnx", "x.json", "--shard", "3/3");
  expect(merge("p1.json", "p2.json", "x.json").stderr).toMatch(/p1\.json and .*x\.json were made of different models/);
});

it("quantize takes the statistics of its model, and warns of those of another", () => {
  const quantize = (model: string) => boltq("quantize", at(model), "--stats", at("whole.json"), "-o", at(`q-${model}`));
  const own = quantize("m.onnx");
  expect(own.status).toBe(0);
  expect(own.stderr).not.toContain("another model file");
  const { status, stderr } = quantize("other.onnx");
  expect(status).toBe(0);
  expect(stderr).toMatch(/warning: .*whole\.json was made of another model file than .*other\.onnx/);
});

it("quantize refuses statistics that lack a value, and takes them with the recipe they are for", () => {
  const recipe = at("all.json");
  writeFileSync(at("none.json"), '{"rules":[{"names":["second"],"precision":"float"}]}');
  writeFileSync(recipe, '{"floatStem":false}');
  const quantize = () =>
    boltq("quantize", at("m.onnx"), "--stats", at("x.json"), "--recipe", recipe, "-o", at("q.onnx"));
  calibrate("m.onnx", "x.json", "--recipe", at("none.json"));
  const { status, stderr } = quantize();
  expect(status).toBe(1);
  expect(stderr).toContain('the statistics do not tell of the values "result"');
  expect(existsSync(at("q.onnx"))).toBe(false);
  calibrate("m.onnx", "x.json", "--recipe", recipe);
  expect(quantize()).toMatchObject({ status: 0 });
});
