import type { Recipe } from "../../quantize/recipe.ts";

/** The recipe as text, whatever the order of its fields. */
export function keyOf(recipe: Recipe): string {
  return JSON.stringify(recipe, (_, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
      : value,
  );
}

/** The recipe with weights and biases fitted. */
export function fitting(recipe: Recipe): Recipe {
  return { ...recipe, effort: "default" };
}

/** The recipe with these operators in float. */
export function leftFloat(recipe: Recipe, names: readonly string[]): Recipe {
  if (names.length === 0) return recipe;
  return { ...recipe, rules: [...(recipe.rules ?? []), { names, precision: "float" }] };
}
