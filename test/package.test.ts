import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memoryTarget } from "../src/io/target.ts";
import { writeOnnx } from "../src/onnx/write.ts";
import { smallNetwork } from "./models/small-network.ts";

const root = join(import.meta.dirname, "..");

/** What a user may write, with every check that TypeScript has. */
const USER_FILE = `
import { BoltqError, convertOnnxToBolt, memorySource, memoryTarget, quantizeBolt, readModel, writeModel } from "boltq";
import type { BoltModel, Dataset, Model, QuantizeOnnxOptions, Runtime } from "boltq";

export async function toInt8(bytes: Uint8Array): Promise<Blob> {
  const float: Model = await readModel(memorySource(bytes, "model.onnx"));
  if (float.format !== "onnx") throw new BoltqError("format", "an ONNX model is expected");
  const bolt: BoltModel = (await convertOnnxToBolt(float, { precision: "PTQ" })).model;
  const { model } = await quantizeBolt(bolt, { inference: "INT8_FP32" });
  const target = memoryTarget();
  await writeModel(model, target);
  return new Blob([target.result()]);
}

export const options = (dataset: Dataset, runtime: Runtime): QuantizeOnnxOptions => ({ dataset, runtime });
`;

describe("the package, packed and installed in an empty folder", () => {
  let folder: string;
  const run = (command: string, ...args: string[]): string =>
    execFileSync(command, args, { cwd: folder, encoding: "utf8", stdio: "pipe" });

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "boltq-package-"));
    execFileSync("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], { cwd: root, stdio: "pipe" });
    const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz"))!;
    writeFileSync(join(folder, "package.json"), '{ "name": "user", "private": true, "type": "module" }');
    run(
      "npm",
      "install",
      "--no-audit",
      "--no-fund",
      "--omit=optional",
      "--omit=peer",
      "--prefer-offline",
      `./${tarball}`,
    );
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  it("gives the three programs, which make an int8 .bolt file of an ONNX model", async () => {
    const target = memoryTarget();
    await writeOnnx(smallNetwork(), target);
    writeFileSync(join(folder, "small.onnx"), target.result());
    const program = (name: string) => join(folder, "node_modules", ".bin", name);
    run(program("X2bolt"), "-d", ".", "-m", "small", "-i", "PTQ");
    run(program("post_training_quantization"), "-p", "small_ptq_input.bolt", "-i", "INT8_FP32");
    expect(run(program("boltq"), "inspect", "small_int8_q.bolt")).toMatch(/^second +I8 /m);
  });

  it("serves the app", async () => {
    const server = spawn(join(folder, "node_modules", ".bin", "boltq"), ["ui"], { cwd: folder });
    const line = await new Promise<string>((resolve) => server.stdout.once("data", (data) => resolve(`${data}`)));
    const page = await (await fetch(/http:\S+/.exec(line)![0])).text();
    server.kill();
    expect(page).toContain('<div id="app">');
  });

  it("brings types that hold in a strict project, for Node and for a browser", () => {
    writeFileSync(join(folder, "user.ts"), USER_FILE);
    const strict = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--noEmit"];
    const tsc = (...args: string[]) =>
      run(process.execPath, join(root, "node_modules", "typescript", "bin", "tsc"), "user.ts", ...strict, ...args);
    tsc("--module", "nodenext", "--target", "es2023", "--typeRoots", join(root, "node_modules", "@types"));
    tsc("--module", "esnext", "--moduleResolution", "bundler", "--target", "es2023", "--lib", "es2023,dom");
  });

  it("ships what is needed to use and to read it, and no tests", () => {
    const shipped = readdirSync(join(folder, "node_modules", "boltq"), { recursive: true, encoding: "utf8" });
    expect(
      ["LICENSE", "README.md", "CHANGELOG.md", "dist/node.d.ts"].filter((name) => !shipped.includes(name)),
    ).toEqual([]);
    expect(shipped.filter((name) => /\.test\.|^test|^src/.test(name))).toEqual([]);
    expect(existsSync(join(folder, "node_modules", "boltq", "dist", "bin", "boltq.js"))).toBe(true);
  });
});
