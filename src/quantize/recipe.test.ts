import { describe, expect, it } from "vitest";
import {
  asksForInt8,
  matches,
  RECIPES,
  type Recipe,
  type RecipeRule,
  recipeNamed,
  ruleNames,
  settingsFor,
} from "./recipe.ts";

const CONV = { type: "Conv", name: "block1/conv" };

describe("what a recipe says of an operator", () => {
  it("is the default where it says nothing", () => {
    expect(settingsFor({}, CONV)).toEqual({
      precision: "int8",
      activations: { type: "uint8", symmetric: false, method: "mse" },
      weights: { type: "int8", symmetric: true, granularity: "per-channel", method: "max", bits: 8 },
    });
  });

  it.each<[string, Recipe, object]>([
    ["the recipe over the default", { weights: { bits: 7 } }, { weights: { granularity: "per-channel", bits: 7 } }],
    ["a rule over the recipe", { precision: "int8", rules: [{ precision: "float" }] }, { precision: "float" }],
    [
      "the later rule over the earlier",
      { rules: [{ activations: { method: "kl" } }, { activations: { method: "percentile" } }] },
      { activations: { method: "percentile" } },
    ],
    [
      "field by field",
      { rules: [{ weights: { bits: 7, method: "mse" } }, { weights: { method: "max" } }] },
      { weights: { bits: 7, method: "max" } },
    ],
    ["only rules that name it", { rules: [{ operators: ["Gemm"], precision: "float" }] }, { precision: "int8" }],
  ])("takes %s", (_, recipe, settings) => expect(settingsFor(recipe, CONV)).toMatchObject(settings));
});

it.each<[readonly RecipeRule[], boolean]>([
  [[], false],
  [[{ precision: "int8" }], true],
  [[{ precision: "float" }, { precision: "int8" }], true],
  [[{ precision: "int8" }, { precision: "float" }], false],
  [[{ precision: "int8" }, { weights: { bits: 7 } }], true],
  [[{ precision: "int8" }, { precision: "float", names: ["other"] }], true],
])("whether the rules %j ask for int8: %s", (rules, asked) => expect(asksForInt8({ rules }, CONV)).toBe(asked));

it.each<[RecipeRule, boolean]>([
  [{}, true],
  [{ operators: ["Gemm", "Conv"] }, true],
  [{ operators: ["Gemm"] }, false],
  [{ operators: [] }, false],
  [{ names: ["other", "block1/*"] }, true],
  [{ names: ["other"] }, false],
  [{ operators: ["Conv"], names: ["other"] }, false],
  [{ operators: ["Gemm"], names: ["*"] }, false],
])("whether %o names a convolution: %s", (rule, named) => expect(ruleNames(rule, CONV)).toBe(named));

it.each([
  ["abc", "abc", true],
  ["abc", "ab", false],
  ["abc", "*", true],
  ["", "*", true],
  ["abc", "a*", true],
  ["abc", "*c", true],
  ["abc", "*b*", true],
  ["abc", "a*c", true],
  ["ac", "a*c", true],
  ["abc", "b*", false],
  ["abc", "*b", false],
  ["abc", "*d*", false],
  ["aba", "ab*ba", false],
  ["abcab", "ab*ab", true],
  ["axbxc", "a*b*c", true],
  ["acxb", "a*b*c", false],
  ["abc", "a*bc*c", false],
  ["a.c", "a*b*c", false],
  ["abab", "*ab*ab", true],
  ["ab", "*ab*ab", false],
])("%s is like %s: %s", (text, pattern, like) => expect(matches(text, pattern)).toBe(like));

it("finds ready-made recipes by name, and no other property", () => {
  expect(recipeNamed("int8-seven-bits")).toBe(RECIPES["int8-seven-bits"]);
  expect(RECIPES["int8-seven-bits"]!.weights).toEqual({ bits: 7 });
  expect(() => recipeNamed("toString")).toThrow(/no recipe "toString"/);
});
