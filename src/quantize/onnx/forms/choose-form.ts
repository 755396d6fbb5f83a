import type { WeightForm, WeightType } from "../../plan.ts";
import type { OperatorSettings } from "../../recipe.ts";
import { type RuntimeTarget, SYMMETRIC_ONLY, suitability } from "../targets.ts";
import type { WeightPlace } from "./weight-places.ts";

/** How a weight is stored and read, and why. No form: it stays as it is. */
export interface FormChoice {
  readonly form: WeightForm | undefined;
  readonly type: WeightType;
  readonly block?: number;
  readonly symmetric?: boolean;
  readonly reason: string;
}

/** A table is worth its operators from so many numbers on. */
const LEAST_TABLE = 2 ** 12;

/** The form that the settings ask for, where the target takes it. */
export function chooseForm(place: WeightPlace, settings: OperatorSettings, target: RuntimeTarget): FormChoice {
  const { weights, precision } = settings;
  const [rows, columns] = place.value.constant!.shape as [number, number];
  if (precision === "float" || weights.type === "float32") return asItIs("the recipe leaves it in float");
  if (rows * columns === 0) return asItIs("it is empty");
  if (place.role === "table" && rows * columns < LEAST_TABLE) return asItIs("a small table: nothing to gain");
  const form = wantedForm(place, settings);
  const { suits, reason } = suitability(form, target);
  if (!suits) return asItIs(`for ${target}: ${reason}`);
  const because = `for ${target}: ${reason}`;
  if (form === "matmul-nf4") return { form, type: "nf4", block: weights.block ?? DEFAULT_NF4_BLOCK, reason: because };
  if (!IN_BLOCKS.has(form)) return { form, type: form === "gather-rows" ? "int8" : weights.type, reason: because };
  const symmetric = weights.symmetric || SYMMETRIC_ONLY.has(target);
  const block = weights.block ?? DEFAULT_BLOCK;
  if (form === "gather-blocks" && columns % block !== 0) {
    return {
      form: "gather-rows",
      type: "int8",
      reason: `its rows of ${columns} are no whole blocks of ${block}: int8 rows`,
    };
  }
  return { form, type: weights.type, block, symmetric, reason: because };
}

/** Whether the inputs of the product are rounded to 8 bits and that costs more than rounding the weights does. */
export function roundsInputs({ form, type }: Pick<FormChoice, "form" | "type">): boolean {
  return form === "dynamic-int8" || (form === "matmul-blocks" && (type === "int8" || type === "uint8"));
}

const IN_BLOCKS: ReadonlySet<WeightForm> = new Set<WeightForm>(["matmul-blocks", "gather-blocks"]);

const DEFAULT_BLOCK = 32;
const DEFAULT_NF4_BLOCK = 64;

function wantedForm({ role }: WeightPlace, { activations, weights }: OperatorSettings): WeightForm {
  if (weights.type === "float16") return activations.type === "float16" ? "float16" : "cast";
  if (activations.type === "dynamic") return role === "matrix" ? "dynamic-int8" : "gather-rows";
  if (weights.type === "nf4") return role === "matrix" ? "matmul-nf4" : "gather-rows";
  return role === "matrix" ? "matmul-blocks" : "gather-blocks";
}

function asItIs(reason: string): FormChoice {
  return { form: undefined, type: "float32", reason };
}
