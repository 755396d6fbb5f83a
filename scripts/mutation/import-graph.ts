import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const IMPORTS = /(?:from|import|new URL)\s*\(?\s*"(\.[^"]+)"/g;

/** For every file that the tests reach: the tests that do, the nearest first. Paths are relative to `root`. */
export function reachingTests(root: string, tests: readonly string[]): Map<string, string[]> {
  const known = new Map<string, string[]>();
  const importsOf = (file: string): string[] => {
    const found = known.get(file) ?? readImports(root, file);
    known.set(file, found);
    return found;
  };
  const distances = new Map<string, Map<string, number>>();
  for (const test of tests) {
    for (const [file, distance] of distancesFrom(test, importsOf)) {
      const ofFile = distances.get(file) ?? new Map<string, number>();
      distances.set(file, ofFile.set(test, distance));
    }
  }
  return new Map([...distances].map(([file, ofFile]) => [file, nearestFirst(file, ofFile)]));
}

function readImports(root: string, file: string): string[] {
  if (!file.endsWith(".ts")) return [];
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(IMPORTS)]
    .map(([, path]) => join(dirname(file), path!))
    .filter((path) => path.endsWith(".ts"));
}

function distancesFrom(test: string, importsOf: (file: string) => string[]): Map<string, number> {
  const distances = new Map([[test, 0]]);
  for (const [file, distance] of distances) {
    for (const imported of importsOf(file)) if (!distances.has(imported)) distances.set(imported, distance + 1);
  }
  return distances;
}

/** A test beside the file and of its name comes first, then tests in its folder, then by the number of imports between. */
function nearestFirst(file: string, distances: ReadonlyMap<string, number>): string[] {
  const rank = (test: string) => {
    if (test === file.replace(/\.ts$/, ".test.ts")) return -2;
    return dirname(test) === dirname(file) ? -1 : distances.get(test)!;
  };
  return [...distances.keys()].sort((one, other) => rank(one) - rank(other) || (one < other ? -1 : 1));
}
