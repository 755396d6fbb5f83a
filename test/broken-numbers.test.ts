import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeModel } from "../src/convert/model-file.ts";
import { writeNpy } from "../src/data/npy.ts";
import { denseTensor } from "../src/graph/dense-values.ts";
import { fileTarget } from "../src/io/node/file-target.ts";
import { onnxModel } from "./models/onnx-model.ts";
import { runProgram } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "boltq-broken-"));
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  for (const operator of ["Identity", "Log", "Abs"]) {
    const model = onnxModel({ inputs: { x: [1, 4] }, operators: [[operator, ["x"], "y"]], outputs: ["y"] });
    await writeModel(model, fileTarget(at(`${operator}.onnx`)));
  }
  mkdirSync(at("data"));
  writeFileSync(join(at("data"), "a.npy"), writeNpy(denseTensor("float32", [1, 4], [-1, 1, 2, 3])));
});
afterAll(() => rmSync(folder, { recursive: true }));

const boltq = (command: string, first: string, ...rest: string[]) =>
  runProgram("boltq", command, at(first), ...rest, "--data", at("data"));

it("compare does not call NaN equal, and says so by its exit code", () => {
  const { status, stdout, stderr } = boltq("compare", "Identity.onnx", at("Log.onnx"));
  expect(status).toBe(1);
  expect(stdout).toMatch(/^ *y +-∞ .* 0\.0 %/m);
  expect(stdout).not.toMatch(/y +equal/);
  expect(stderr).toContain('warning: "y": 1 numbers are NaN or infinite in one of the models alone');
  expect(JSON.parse(boltq("compare", "Identity.onnx", at("Log.onnx"), "--json").stdout).outputs[0]).toMatchObject({
    broken: 1,
    decibels: "-Infinity",
  });
});

it("compare calls equal what is, and a difference is no failure", () => {
  expect(boltq("compare", "Log.onnx", at("Log.onnx"))).toMatchObject({ status: 0 });
  expect(boltq("compare", "Log.onnx", at("Log.onnx")).stdout).toMatch(/^ *y +equal /m);
  const { status, stdout } = boltq("compare", "Identity.onnx", at("Abs.onnx"));
  expect(status).toBe(0);
  expect(stdout).toMatch(/^ *y +5\.7 /m); // 10 × log10(15 / 4)
});

it("evaluate counts NaN as wrong, with a warning", () => {
  writeFileSync(at("labels.csv"), "a.npy,3\n");
  const { status, stdout, stderr } = boltq("evaluate", "Log.onnx", "--reference", at("Identity.onnx"));
  expect(status).toBe(0);
  expect(stdout).toContain("agreement with the reference: 0.00 %");
  expect(stderr).toContain("1 samples have scores that are NaN or infinite");
  expect(boltq("evaluate", "Identity.onnx", "--labels", at("labels.csv")).stdout).toContain("top 1: 100.00 %");
});
