import { readdirSync, readFileSync, statSync } from "node:fs";
import { expect, it } from "vitest";
import { type Model, readModel, writeModel } from "../src/convert/model-file.ts";
import { memorySource } from "../src/io/bytes.ts";
import { BoltqError } from "../src/io/error.ts";
import { memoryTarget } from "../src/io/target.ts";
import { summarizeModel } from "../src/report/summary.ts";
import { describeWithShared, sharedPath } from "./shared.ts";

const MOST_SECONDS = 1;
const SMALL_FILE_BYTES = 60_000;

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What a user does with a file of unknown origin. Returns what went wrong in a way it must not. */
async function misbehaviour(bytes: Uint8Array): Promise<string | undefined> {
  const start = performance.now();
  const outcome = await attempt(bytes);
  const seconds = (performance.now() - start) / 1000;
  return outcome ?? (seconds > MOST_SECONDS ? `took ${seconds.toFixed(1)} s` : undefined);
}

async function attempt(bytes: Uint8Array): Promise<string | undefined> {
  try {
    const model: Model = await readModel(memorySource(bytes, "hostile"));
    await summarizeModel(model);
    await writeModel(model, memoryTarget());
    return undefined;
  } catch (error) {
    return error instanceof BoltqError ? undefined : `${error}\n${(error as Error).stack}`;
  }
}

function mutate(bytes: Uint8Array, random: () => number): Uint8Array {
  const copy = bytes.slice();
  const count = random() < 0.5 ? 1 : 1 + Math.floor(random() * 16);
  const extremes = [0, 0xff, 0x7f, 0x80, 1];
  for (let index = 0; index < count; index++) {
    const place = Math.floor(random() * copy.length);
    copy[place] = random() < 0.5 ? extremes[Math.floor(random() * extremes.length)]! : Math.floor(random() * 256);
  }
  return copy;
}

describeWithShared("files that are cut short or damaged", () => {
  const all = readdirSync(sharedPath("golden"), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(bolt|onnx)$/.test(name))
    .map((name) => sharedPath("golden", name));
  const files = all.filter((path) => statSync(path).size < SMALL_FILE_BYTES);

  it("give a result or a BoltqError when cut at any of 200 places", { timeout: 600_000 }, async () => {
    const failures: string[] = [];
    for (const path of files.filter((_, index) => index % 7 === 0)) {
      const bytes = new Uint8Array(readFileSync(path));
      for (let cut = 0; cut < 200; cut++) {
        const failure = await misbehaviour(bytes.slice(0, Math.floor((bytes.length * cut) / 200)));
        if (failure !== undefined) failures.push(`${path} cut at ${cut}/200: ${failure}`);
      }
    }
    expect(failures).toEqual([]);
  });

  it("give a result or a BoltqError after any of 20,000 random changes", { timeout: 600_000 }, async () => {
    const random = randomNumbers(7);
    const failures: string[] = [];
    for (let round = 0; round < 20_000 && failures.length < 10; round++) {
      const path = files[Math.floor(random() * files.length)]!;
      const failure = await misbehaviour(mutate(new Uint8Array(readFileSync(path)), random));
      if (failure !== undefined) failures.push(`${path}, change ${round}: ${failure}`);
    }
    expect(failures).toEqual([]);
  });
});
