import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const source = join(dirname(fileURLToPath(import.meta.url)), "..", "src");

/** The rooms from the ground up: a room imports from itself and from the rows above it in this list. */
const LAYERS: readonly (readonly string[])[] = [
  ["io"],
  ["graph"],
  ["onnx", "bolt"],
  ["transform"],
  ["convert", "runtime", "data"],
  ["calibrate"],
  ["quantize"],
  ["evaluate"],
  ["report"],
  ["cli"],
];

const level = new Map(LAYERS.flatMap((rooms, index) => rooms.map((room): [string, number] => [room, index])));

interface Import {
  readonly from: string;
  readonly to: string;
}

const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter(
  (name) => name.endsWith(".ts") && !name.endsWith(".test.ts"),
);

function importsOf(file: string): string[] {
  const text = readFileSync(join(source, file), "utf8");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1]!);
}

const imports: Import[] = files.flatMap((from) => importsOf(from).map((to) => ({ from, to })));

function roomOf(file: string): string {
  return file.split("/")[0]!;
}

function resolved({ from, to }: Import): string {
  return relative(source, join(source, dirname(from), to));
}

it("imports only downwards between rooms, and nothing from a neighbour", () => {
  const upward = imports.filter((entry) => {
    if (!entry.to.startsWith(".")) return false;
    const [here, there] = [roomOf(entry.from), roomOf(resolved(entry))];
    const [from, to] = [level.get(here), level.get(there)];
    return here !== there && from !== undefined && to !== undefined && to >= from;
  });
  expect(files.length).toBeGreaterThan(20);
  expect(upward).toEqual([]);
});

it("has no circles of files", () => {
  const left = new Map(files.map((file) => [file, new Set<string>()]));
  for (const entry of imports) if (entry.to.startsWith(".")) left.get(entry.from)!.add(resolved(entry));
  const isFree = (file: string) => [...left.get(file)!].every((to) => !left.has(to));
  // What imports nothing that is left stands in no circle; in the end only circles, and what needs them, are left.
  for (let free = files; free.length > 0; ) {
    free = [...left.keys()].filter(isFree);
    for (const file of free) left.delete(file);
  }
  expect([...left.keys()]).toEqual([]);
});

it("keeps what is Node's alone in node/ folders, the CLI and the Node entry", () => {
  const forNode = (file: string) => file.includes("node/") || roomOf(file) === "cli" || file === "node.ts";
  const strays = imports.filter(({ from, to }) => !forNode(from) && (to.startsWith("node:") || /\/node\//.test(to)));
  expect(strays).toEqual([]);
});

it("keeps what is the browser's alone in web/ folders and the browser's entry", () => {
  const forBrowser = (file: string) => file.includes("web/") || file === "web.ts";
  expect(imports.filter(({ from, to }) => !forBrowser(from) && /\/web\//.test(to))).toEqual([]);
});

it("keeps every file in a room that has a place in the order", () => {
  const homeless = files.filter((file) => file.includes("/") && !level.has(roomOf(file)));
  expect(homeless).toEqual([]);
});
