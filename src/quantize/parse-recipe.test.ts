import { expect, it } from "vitest";
import { parseRecipe } from "./parse-recipe.ts";

it("reads every field of a recipe", () => {
  const recipe = {
    description: "all of it",
    precision: "float",
    activations: { type: "int8", symmetric: true, method: "mse" },
    weights: { granularity: "per-tensor", method: "mse", bits: 7 },
    floatStem: false,
    biasCorrection: false,
    rules: [
      { operators: ["Conv"], names: ["head*"], precision: "int8", weights: { bits: 8 } },
      { activations: { method: "percentile" } },
    ],
  };
  expect(parseRecipe(JSON.stringify(recipe), "r.json")).toEqual(recipe);
  expect(parseRecipe("{}", "r.json")).toEqual({});
});

for (const [json, wanted] of [
  ["[]", "a recipe must be an object, not a list"],
  ['{"precisoin": "int8"}', /there is no field "precisoin"; known are description, .*, precision, .*rules/],
  ['{"precision": "int9"}', '"precision" must be one of int8, float, not "int9"'],
  ['{"weights": {"bits": 9}}', '"weights.bits" must be one of 4, 7, 8, not 9'],
  ['{"floatStem": "no"}', '"floatStem" must be true or false, not "no"'],
  ['{"rules": {}}', '"rules" must be a list of rules, not an object'],
  ['{"rules": [{"operators": []}]}', '"rules[0].operators" must be a list of names, not a list'],
  ['{"rules": [{}, {"names": ["a", 1]}]}', '"rules[1].names[1]" must be a name, not 1'],
  ['{"rules": [{"description": "x"}]}', 'there is no field "rules[0].description"; known are operators, names'],
  ['{"activations": {"method": "constructor"}}', /"activations.method" must be one of min-max, .*not "constructor"/],
  [`{"precision": ${"[".repeat(50_000)}${"]".repeat(50_000)}}`, "nested more than 100 levels deep"],
  ['{"precision": "int8"', "this is not valid JSON at line 1, column 21"],
] as const) {
  it(`refuses ${json.slice(0, 60)}`, () => expect(() => parseRecipe(json, "r.json")).toThrow(wanted));
}
