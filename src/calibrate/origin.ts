import type { Shard } from "../data/dataset.ts";
import { BoltqError } from "../io/error.ts";

/** What observations were made of, and how. Parts of one whole agree in all of it but the shard. */
export interface Origin {
  /** Stands for the model's bytes: as `fingerprintOf` gives it. */
  readonly model: string;
  /** How examples were chosen and prepared and what was collected, by name. */
  readonly settings: Readonly<Record<string, string>>;
  /** Which part of the examples; undefined: all of them. */
  readonly shard?: Shard | undefined;
}

/**
 * The origin of the whole that the parts make. `names` are what messages call the parts. Throws BoltqError `mismatch` that
 * names what differs, or the shards that are missing or there twice.
 */
export function mergeOrigins(origins: readonly (Origin | undefined)[], names: readonly string[]): Origin | undefined {
  const [first] = origins;
  for (const [index, origin] of origins.entries()) {
    if (first !== undefined && origin !== undefined) requireAlike(first, origin, names[0]!, names[index]!);
    else if (first !== origin)
      throw unlike(`${names[first === undefined ? 0 : index]} does not say what it was made of`);
  }
  requireWhole(origins.map((origin) => origin?.shard));
  return first === undefined ? undefined : { model: first.model, settings: first.settings };
}

function requireAlike(one: Origin, other: Origin, name: string, otherName: string): void {
  if (one.model !== other.model) throw unlike(`${name} and ${otherName} were made of different models`);
  for (const key of new Set([...Object.keys(one.settings), ...Object.keys(other.settings)])) {
    const [mine, theirs] = [one.settings[key] ?? "none", other.settings[key] ?? "none"];
    if (mine !== theirs) throw unlike(`${key} is ${mine} in ${name}, and ${theirs} in ${otherName}`);
  }
}

/** Shards must be all of one division, each once; parts of no division are wholes of their own. */
function requireWhole(shards: readonly (Shard | undefined)[]): void {
  if (shards.every((shard) => shard === undefined)) return;
  const counts = new Set(shards.map((shard) => shard?.count));
  const [count, ...others] = counts;
  if (count === undefined || others.length > 0) {
    const divisions = [...counts].map((each) => (each === undefined ? "all examples" : `shards of ${each}`));
    throw unlike(`the parts are ${divisions.join(" and ")}`);
  }
  const seen = new Set<number>();
  for (const shard of shards) {
    if (seen.has(shard!.index)) throw unlike(`the shard ${shard!.index}/${count} is there twice`);
    seen.add(shard!.index);
  }
  if (seen.size === count) return;
  const missing = Array.from({ length: Math.min(count, MOST_SEARCHED) }, (_, place) => place + 1)
    .filter((index) => !seen.has(index))
    .slice(0, SHOWN)
    .map((index) => `${index}/${count}`);
  const more = count - seen.size - missing.length;
  throw unlike(`the shards ${missing.join(", ")}${more > 0 ? ` and ${more} more` : ""} are missing`);
}

const SHOWN = 10;

/** A file may claim any number of shards. */
const MOST_SEARCHED = 100_000;

function unlike(problem: string): BoltqError {
  return new BoltqError("mismatch", problem, {
    remedy: "Merge all parts of one calibration: the same model, data, preprocessing and options, --shard 1/N to N/N",
  });
}
