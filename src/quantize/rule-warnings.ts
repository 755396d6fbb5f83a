import type { PlanWarning } from "./plan.ts";
import { type Recipe, ruleNames } from "./recipe.ts";

/** The rules of a recipe that mean none of the operators. */
export function ruleWarnings(
  recipe: Recipe,
  operators: readonly { readonly type: string; readonly name: string }[],
): PlanWarning[] {
  return (recipe.rules ?? []).flatMap((rule, index): PlanWarning[] =>
    operators.some((operator) => ruleNames(rule, operator))
      ? []
      : [
          {
            kind: "rule-without-operator",
            subject: `rule ${index + 1} of the recipe`,
            problem: "no operator of the model is meant by it",
            remedy: "See the operators' names and types with --dry-run",
          },
        ],
  );
}
