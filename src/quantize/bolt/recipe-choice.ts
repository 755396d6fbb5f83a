import type { BoltModel } from "../../bolt/model.ts";
import { liveNodes } from "../../transform/bolt/pass.ts";
import type { PlanWarning } from "../plan.ts";
import { type Recipe, type RecipeRule, ruleNames, settingsFor } from "../recipe.ts";
import { ruleWarnings } from "../rule-warnings.ts";
import type { DynamicChoice } from "../scale-table.ts";
import { isQuantizable } from "./labels.ts";

/**
 * Which operators a recipe leaves in float, and which of those that would stay float its rules put into int8. The
 * operators between matrix operators follow these.
 */
export function recipeChoice(recipe: Recipe, model: BoltModel): DynamicChoice {
  const nodes = liveNodes(model);
  const float = nodes.filter((node) => settingsFor(recipe, node).precision === "float");
  const asked = (recipe.rules ?? []).filter(({ precision }) => precision === "int8");
  const quantized = nodes.filter(
    (node) =>
      isQuantizable(node, model) &&
      settingsFor(recipe, node).precision === "int8" &&
      asked.some((rule) => ruleNames(rule, node)),
  );
  return { quantized: new Set(quantized.map(({ name }) => name)), float: new Set(float.map(({ name }) => name)) };
}

/** What of a recipe means nothing for a Bolt network. */
export function recipeWarnings(recipe: Recipe, model: BoltModel): PlanWarning[] {
  const nodes = liveNodes(model);
  const lost = (recipe.rules ?? []).flatMap((rule, index): PlanWarning[] =>
    rule.precision === "int8" && !nodes.some((node) => ruleNames(rule, node) && isQuantizable(node, model))
      ? [without(`rule ${index + 1} of the recipe`, "none of its operators can compute in int8")]
      : [],
  );
  const settings = [recipe, ...(recipe.rules ?? [])].flatMap((layer, index): PlanWarning[] => {
    const place = index === 0 ? "the recipe" : `rule ${index} of the recipe`;
    return foreignSettings(layer).map((setting) => without(place, `${setting} is not what Bolt's engine computes`));
  });
  return [...ruleWarnings(recipe, nodes), ...lost, ...settings];
}

function without(subject: string, problem: string): PlanWarning {
  return { kind: "rule-without-effect", subject, problem, remedy: "Take it out, or see docs/recipes.md" };
}

/** Bolt's engine has one symmetric int8 scale for each tensor. */
function foreignSettings({ activations = {}, weights = {} }: RecipeRule): string[] {
  return [
    ...(activations.type === "uint8" ? ["activations.type uint8"] : []),
    ...(activations.symmetric === false ? ["activations.symmetric false"] : []),
    ...(weights.granularity === "per-channel" ? ["weights.granularity per-channel"] : []),
    ...(weights.bits === 7 ? ["weights.bits 7"] : []),
    ...(weights.method === "mse" ? ["weights.method mse"] : []),
  ];
}
