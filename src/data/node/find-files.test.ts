import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findFiles } from "./find-files.ts";

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "boltq-find-"));
  for (const name of ["b/2.png", "b/10.PNG", "a.png", "b/c/d.npy", "b.png", ".hidden/x.png", "b/.y.png", "notes.txt"]) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), "");
  }
  execFileSync("mkfifo", [join(root, "pipe.png")]);
  mkdirSync(join(root, "empty"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const names = (suffixes: string[]) => findFiles(root, suffixes).map(({ name }) => name);

it("finds regular files in sub-folders, by name, whatever case the suffix has", () => {
  expect(names([".png", ".npy"])).toEqual(["a.png", "b.png", "b/10.PNG", "b/2.png", "b/c/d.npy"]);
  expect(names([".npy"])).toEqual(["b/c/d.npy"]);
  expect(findFiles(root, [".npy"])[0]!.path).toBe(join(root, "b/c/d.npy"));
});

it("follows links, in a circle only once", () => {
  symlinkSync(root, join(root, "b/c/loop"));
  symlinkSync(join(root, "a.png"), join(root, "b/link.png"));
  symlinkSync(join(root, "absent"), join(root, "b/dead.png"));
  expect(names([".png"])).toEqual(["a.png", "b.png", "b/10.PNG", "b/2.png", "b/link.png"]);
});

it("takes a single file", () => {
  expect(findFiles(join(root, "a.png"), [".png"])).toEqual([{ path: join(root, "a.png"), name: "a.png" }]);
});

it("says when there is nothing", () => {
  expect(() => findFiles(join(root, "absent"), [".png"])).toThrow(
    `${join(root, "absent")}: there is no such file or folder`,
  );
  const remedy = "there are no examples here. Give files, or a folder with files, that end in .png, .npy";
  expect(() => findFiles(join(root, "empty"), [".png", ".npy"])).toThrow(remedy);
  expect(() => findFiles(join(root, "notes.txt"), [".png", ".npy"])).toThrow(remedy);
});
