import { readdirSync, readFileSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { inputOf, seedOf } from "../scripts/fuzz/executions.ts";
import { exercise, type InputKind } from "../scripts/fuzz/exercise.ts";
import { makeSeeds } from "../scripts/fuzz/seeds.ts";
import { describeWithShared, sharedPath } from "./shared.ts";

/** Far above what any step takes, far below what a loop over a size in a file takes. */
const MOST_SECONDS = 5;
const MOST_BYTES = 500 * 2 ** 20;
const SMALL_FILE_BYTES = 60_000;

/** What went wrong in a way it must not when the file was used. Options are chosen by `seed`. */
async function misbehaviour(kind: InputKind, bytes: Uint8Array, seed: number): Promise<string | undefined> {
  const [start, before] = [performance.now(), process.memoryUsage().rss];
  const fault = await exercise(kind, bytes, seed);
  const seconds = (performance.now() - start) / 1000;
  if (fault !== undefined) return `${fault.step}: ${fault.error}`;
  if (seconds > MOST_SECONDS) return `took ${seconds.toFixed(1)} s`;
  const grown = process.memoryUsage().rss - before;
  return grown > MOST_BYTES ? `took ${grown} bytes` : undefined;
}

describe("files made in code and damaged", () => {
  it("give a result or a BoltqError, every time", { timeout: 600_000 }, async () => {
    const seeds = await makeSeeds(undefined);
    const failures: string[] = [];
    for (let index = 0; index < 3000; index++) {
      const { seed, kind, bytes } = await inputOf(seeds, 12, index);
      const failure = await misbehaviour(kind, bytes, seedOf(12, index));
      if (failure !== undefined) failures.push(`execution ${index}, made of ${seed}: ${failure}`);
    }
    expect(failures).toEqual([]);
  });
});

describeWithShared("files that are cut short", () => {
  const files = readdirSync(sharedPath("golden"), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(bolt|onnx)$/.test(name))
    .map((name) => sharedPath("golden", name))
    .filter((path, index) => index % 7 === 0 && statSync(path).size < SMALL_FILE_BYTES);

  it("give a result or a BoltqError at any of 20 places", { timeout: 600_000 }, async () => {
    const failures: string[] = [];
    for (const path of files) {
      const bytes = new Uint8Array(readFileSync(path));
      for (let cut = 0; cut < 20; cut++) {
        const failure = await misbehaviour("onnx", bytes.slice(0, Math.floor((bytes.length * cut) / 20)), cut);
        if (failure !== undefined) failures.push(`${path} cut at ${cut}/20: ${failure}`);
      }
    }
    expect(failures).toEqual([]);
  });
});

/** What a file of that folder is, by its name. */
const HOSTILE_KINDS: readonly (readonly [RegExp, InputKind])[] = [
  [/^(npy)/, "npy"],
  [/^(jpg|png|webp)/, "picture"],
  [/json|list/, "json"],
  [/./, "onnx"],
];

describeWithShared("files that once made a program fail", () => {
  for (const name of readdirSync(sharedPath("hostile")).sort()) {
    it(`${name} gives a result or a BoltqError, whatever is done with it`, { timeout: 60_000 }, async () => {
      const kind = HOSTILE_KINDS.find(([pattern]) => pattern.test(name))![1];
      const bytes = new Uint8Array(readFileSync(sharedPath("hostile", name)));
      for (let seed = 0; seed < 24; seed++) expect(await misbehaviour(kind, bytes, seed)).toBeUndefined();
    });
  }
});
