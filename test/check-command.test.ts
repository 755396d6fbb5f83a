import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeModel } from "../src/convert/model-file.ts";
import { fileTarget } from "../src/io/node/file-target.ts";
import type { OnnxModel } from "../src/onnx/model.ts";
import { onnxModel } from "./models/onnx-model.ts";
import { smallNetwork } from "./models/small-network.ts";
import { runProgram } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "boltq-check-"));
const at = (name: string) => join(folder, name);

/** Two operators that no runtime knows, of three uses, between such as all do; and one that Bolt lacks. */
function strange(): OnnxModel {
  return onnxModel({
    inputs: { x: [2, 2] },
    operators: [
      ["Frobnicate", ["x"], "one"],
      ["Relu", ["x"], "fine"],
      ["Unheard", ["fine"], "two"],
      ["Unheard", ["x"], "three"],
      ["Det", ["fine"], "determinant"],
    ],
    outputs: ["one", "two", "three", "determinant"],
  });
}

beforeAll(async () => {
  await writeModel(smallNetwork(), fileTarget(at("fine.onnx")));
  await writeModel(strange(), fileTarget(at("strange.onnx")));
});
afterAll(() => rmSync(folder, { recursive: true }));

it.each(["bolt", "ort", "ort-web"])("check --for %s says that nothing is in the way", (target) => {
  const { status, stdout } = runProgram("boltq", "check", at("fine.onnx"), "--for", target);
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^the model can be (converted|run)/) });
});

it.each([
  ["bolt", ["Frobnicate", "Unheard", "Unheard", "Det"]],
  ["ort", ["Frobnicate", "Unheard"]],
  ["ort-web", ["Frobnicate", "Unheard"]],
] as const)("check --for %s lists all that is, one of a kind", (target, refused) => {
  const { status, stdout } = runProgram("boltq", "check", at("strange.onnx"), "--for", target);
  const [first, ...lines] = stdout.trimEnd().split("\n");
  expect({ status, first }).toEqual({ status: 1, first: expect.stringMatching(/^the model cannot be/) });
  expect(lines.map((line) => /operator "\w+" \((\w+)\)/.exec(line)?.[1])).toEqual(refused);
});
