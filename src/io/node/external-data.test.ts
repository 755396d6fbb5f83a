import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { folderExternalData } from "./external-data.ts";

let root: string;
let open: ReturnType<typeof folderExternalData>;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "boltq-external-"));
  mkdirSync(join(root, "model", "parts"), { recursive: true });
  for (const [path, text] of [
    ["secret", "secret"],
    ["model/data", "data"],
    ["model/parts/data", "part"],
    ["model-data", "near"],
  ]) {
    writeFileSync(join(root, path!), text!);
  }
  symlinkSync(join(root, "secret"), join(root, "model", "link-out"));
  symlinkSync(root, join(root, "model", "folder-out"));
  symlinkSync("data", join(root, "model", "link-in"));
  symlinkSync(join(root, "model"), join(root, "other-name"));
  open = folderExternalData(join(root, "model", "model.onnx"));
});
afterAll(() => rmSync(root, { recursive: true }));

describe("external data", () => {
  it.each([
    ["data", "data"],
    ["./data", "data"],
    ["parts/data", "part"],
    ["parts/../data", "data"],
    ["link-in", "data"],
  ])("is read from the model's folder: %s", async (location, text) => {
    expect(new TextDecoder().decode(await open(location).read())).toBe(text);
  });

  it.each(["../secret", "../model-data", "parts/../../secret", "", "..", "link-out", "folder-out/secret"])(
    "is refused outside of it: %s",
    (location) => expect(() => open(location)).toThrow(/outside the model's folder/),
  );

  it("is refused by an absolute path, even into the folder", () => {
    expect(() => open(join(root, "model", "data"))).toThrow(/outside the model's folder/);
  });

  it("is opened once, and read where the model's folder is a link", async () => {
    expect(open("data")).toBe(open("data"));
    const linked = folderExternalData(join(root, "other-name", "model.onnx"));
    expect(new TextDecoder().decode(await linked("data").read())).toBe("data");
  });

  it("that is missing is said to be", () => {
    expect(() => open("nothing")).toThrow(/nothing/);
  });
});
