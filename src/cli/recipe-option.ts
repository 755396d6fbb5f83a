import { existsSync } from "node:fs";
import type { Command } from "commander";
import { parseRecipe } from "../quantize/parse-recipe.ts";
import { RECIPES, type Recipe, recipeNamed } from "../quantize/recipe.ts";
import { readText } from "./read-text.ts";

const DEFAULT_RECIPE = "int8";

/** Puts `--recipe` on a command. */
export function addRecipeOption(command: Command): Command {
  return command.option(
    "--recipe <name|file.json>",
    `how to quantize: ${Object.keys(RECIPES).join(", ")}, or a JSON file`,
    DEFAULT_RECIPE,
  );
}

/** The recipe that the option names: a file, where there is one, or one of the ready-made. */
export function readRecipe(word: string): Recipe {
  return word.endsWith(".json") || existsSync(word) ? parseRecipe(readText(word), word) : recipeNamed(word);
}
