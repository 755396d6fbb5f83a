import type { Statistics } from "../../calibrate/statistics.ts";
import { BoltqError } from "../../io/error.ts";

/**
 * Makes sure that the statistics tell of every value whose range a plan takes from them: the scale of another would have
 * nothing to do with its numbers. `tableGiven`: the ranges of other values come from a scale table. Throws BoltqError
 * `mismatch` that names the values.
 */
export function checkStatistics(needed: Iterable<string>, { values }: Statistics, tableGiven: boolean): void {
  const missing = [...needed].filter((name) => !values.has(name)).map((name) => `"${name}"`);
  if (missing.length === 0) return;
  const others = missing.length > SHOWN ? ` and ${missing.length - SHOWN} more` : "";
  const sources = tableGiven ? "neither the scale table nor statistics tell" : "the statistics do not tell";
  throw new BoltqError("mismatch", `${sources} of the values ${missing.slice(0, SHOWN).join(", ")}${others}`, {
    remedy: `Collect them for the same model and recipe: boltq calibrate MODEL --data FOLDER --recipe RECIPE -o STATS.json${
      tableGiven ? ", and give --stats STATS.json beside the table" : ""
    }`,
  });
}

const SHOWN = 5;
