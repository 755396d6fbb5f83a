import * as v from "valibot";
import { METHOD_NEEDS } from "../calibrate/find-range.ts";
import type { RangeMethod } from "../calibrate/range.ts";
import { fields, oneOf, parseAs, type Schema, text } from "../io/schema.ts";
import type { Recipe } from "./recipe.ts";

const onOrOff = v.boolean("true or false");

const NAMES = "a list of names";
const names = v.pipe(v.array(v.string("a name"), NAMES), v.minLength(1, NAMES));

const SETTINGS = {
  precision: v.exactOptional(oneOf("int8", "float")),
  activations: v.exactOptional(
    fields({
      type: v.exactOptional(oneOf("uint8", "int8", "dynamic", "float16", "float")),
      symmetric: v.exactOptional(onOrOff),
      method: v.exactOptional(oneOf(...(Object.keys(METHOD_NEEDS) as RangeMethod[]))),
    }),
  ),
  weights: v.exactOptional(
    fields({
      type: v.exactOptional(oneOf("int8", "uint8", "int4", "uint4", "nf4", "float16", "float32")),
      block: v.exactOptional(oneOf(16, 32, 64, 128, 256)),
      symmetric: v.exactOptional(onOrOff),
      granularity: v.exactOptional(oneOf("per-channel", "per-tensor")),
      method: v.exactOptional(oneOf("max", "mse")),
      bits: v.exactOptional(oneOf(4, 7, 8)),
    }),
  ),
};

/** What a recipe's JSON may hold. */
export const RECIPE: Schema<Recipe> = fields({
  description: v.exactOptional(text),
  floatStem: v.exactOptional(onOrOff),
  biasCorrection: v.exactOptional(onOrOff),
  effort: v.exactOptional(oneOf("fast", "default", "max")),
  ...SETTINGS,
  rules: v.exactOptional(
    v.array(
      fields({ operators: v.exactOptional(names), names: v.exactOptional(names), ...SETTINGS }),
      "a list of rules",
    ),
  ),
});

/** A recipe from JSON. Throws `format`, naming the field that is unknown or wrong and what it may be. */
export function parseRecipe(json: string, file: string): Recipe {
  return parseAs(RECIPE, json, { file, what: "a recipe", remedy: "See docs/recipes.md" });
}
