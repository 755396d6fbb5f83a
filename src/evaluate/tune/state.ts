import * as v from "valibot";
import { BoltqError } from "../../io/error.ts";
import { fields, parseAs, type Schema, text } from "../../io/schema.ts";
import { RECIPE } from "../../quantize/parse-recipe.ts";
import type { TuneState } from "./tune.ts";

const number = v.number("a number");

const STATE: Schema<TuneState & { readonly key: string }> = fields({
  key: text,
  costs: v.exactOptional(
    v.array(
      fields({
        name: text,
        noise: number,
        float: v.exactOptional(number),
        int8: v.exactOptional(number),
        bytes: number,
      }),
      "a list of operators",
    ),
  ),
  trials: v.array(
    fields({
      what: text,
      recipe: RECIPE,
      operators: number,
      drop: number,
      expected: number,
      noise: number,
      milliseconds: v.tuple([number, number], "two numbers"),
      bytes: number,
      seconds: number,
    }),
    "a list of trials",
  ),
}) as unknown as Schema<TuneState & { readonly key: string }>;

/** What tuning found so far, as JSON. `key` says what it was found for. */
export function printTuneState(state: TuneState, key: string): string {
  return `${JSON.stringify({ key, ...state }, null, 1)}\n`;
}

/** What an earlier run found. Throws `format` for another file, `mismatch` where that run was of another model, examples or settings. */
export function parseTuneState(json: string, file: string, key: string): TuneState {
  const { key: found, ...state } = parseAs(STATE, json, {
    file,
    what: "trials of tuning",
    remedy: "Give another file",
  });
  if (found === key) return state;
  throw new BoltqError("mismatch", "these trials are of another model, other examples or settings", {
    file,
    remedy: "Give the same as then, or another file to --resume",
  });
}
