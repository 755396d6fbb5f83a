import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Signature } from "../../onnx/model.ts";
import { readList } from "./read-list.ts";

const INPUTS: Signature[] = [
  { name: "a", type: undefined },
  { name: "b", type: undefined },
];

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "boltq-list-"));
  mkdirSync(join(root, "more"));
  for (const name of ["1.png", "more/2.npy"]) writeFileSync(join(root, name), "");
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const list = (text: string) => {
  const path = join(root, "list.jsonl");
  writeFileSync(path, text);
  return path;
};

it("names each line by its first path or its number, and reads it again when asked", async () => {
  const path = list('{"a": 1, "b": "1.png"}\r\n \t\n{"a": "more/2.npy", "b": "1.png"}\n\n{"b": [3], "a": [4, 5]}');
  const lines = await readList(path, INPUTS);
  expect(lines.map(({ name, place }) => [name, place])).toEqual([
    ["1.png", `${path}, line 1`],
    ["more/2.npy", `${path}, line 3`],
    ["list.jsonl:5", `${path}, line 5`],
  ]);
  const second = await lines[1]!.read();
  expect([...second]).toEqual([
    ["a", join(root, "more/2.npy")],
    ["b", join(root, "1.png")],
  ]);
  expect((await lines[2]!.read()).get("a")).toMatchObject({ shape: [2] });
});

it("reads lines that are longer than a piece of the file, in all their bytes", async () => {
  const numbers = Array.from({ length: 400_000 }, (_, index) => index);
  const long = JSON.stringify({ a: numbers, b: 1, note: "é" });
  const lines = await readList(list(`${long}\n${long}\n`), INPUTS);
  expect(lines).toHaveLength(2);
  expect((await lines[1]!.read()).get("a")).toMatchObject({ shape: [400_000] });
});

it("refuses a line that is too long before it is held", async () => {
  const path = list(`{"a": 1, "b": 2}\n${" ".repeat((1 << 26) + 1)}`);
  await expect(readList(path, INPUTS)).rejects.toThrow(
    `${path}, byte 17: a line of the list has more than 67108864 bytes. Put the numbers into a .npy file`,
  );
});

it("names the line that is wrong", async () => {
  for (const [text, wanted] of [
    ["", "the list is empty. Write an example a line"],
    ['{"a": 1, "b": 2}\n{"a": 1, "b": "2.png"}', `line 2: there is no file ${join(root, "2.png")}`],
    ['{"a": 1, "b": "more"}', `line 1: ${join(root, "more")} is not a regular file. Name pictures or arrays`],
    ['{"a": 1, "b": 2}\n\n{"a": 1}', 'line 3: there is no value for the input "b"'],
  ] as const) {
    await expect(readList(list(text), INPUTS)).rejects.toThrow(wanted);
  }
});
