import type { RangeMethod } from "../calibrate/range.ts";
import { BoltqError } from "../io/error.ts";

/** How an operator computes. */
export type Precision = "int8" | "float";

/**
 * What activations are while operators compute. `uint8`, `int8`: integers in ranges that calibration found, which needs
 * example data. `dynamic`: integers in the range of each run. `float16`: half floats, where they are
 * exact enough. `float`: not quantized.
 */
export type ActivationType = "uint8" | "int8" | "dynamic" | "float16" | "float";

/** What the elements of weights are stored as; `float32`: they stay as they are. */
export type WeightBits = "int8" | "uint8" | "int4" | "uint4" | "nf4" | "float16" | "float32";

/** How activations are stored between quantized operators. */
export interface ActivationSettings {
  /** Default `uint8`: with int8 weights the fast way on x86. */
  readonly type: ActivationType;
  /** Zero in the middle of the range. Default false: the range is used whole, and a Relu costs nothing. */
  readonly symmetric: boolean;
  /** Default `mse`. */
  readonly method: RangeMethod;
}

/** How the scales of int8 weights are found. */
export type ScaleSettings = Pick<WeightSettings, "granularity" | "method" | "bits">;

/** How weights are stored. */
export interface WeightSettings {
  /** Default `int8`. */
  readonly type: WeightBits;
  /** So many numbers along the axis that is summed over share a scale: 16, 32, 64, 128 or 256. Default: no blocks. */
  readonly block?: number;
  /** In blocks: zero in the middle, so that no zero points are stored. Default true. */
  readonly symmetric: boolean;
  /** One scale for each output channel or one for all. Default `per-channel`. */
  readonly granularity: "per-channel" | "per-tensor";
  /** `max`: the largest magnitude is kept (default); `mse`: the scale with the least squared error. */
  readonly method: "max" | "mse";
  /**
   * 7: keep to ±63, so that the sum of two products fits 16 bits, on x86 processors that have no VNNI. 4: keep to ±7, in int8
   * tensors all the same. Default 8: ±127.
   */
  readonly bits: 4 | 7 | 8;
}

/** What is decided for one operator. */
export interface OperatorSettings {
  readonly precision: Precision;
  readonly activations: ActivationSettings;
  readonly weights: WeightSettings;
}

/** Settings of an operator whose activations have ranges that calibration finds. */
export interface StaticSettings extends OperatorSettings {
  readonly activations: ActivationSettings & { readonly type: "uint8" | "int8" };
}

/** Settings for the operators it names. */
export interface RecipeRule {
  /** Operator types, such as `Conv`. Default: all. */
  readonly operators?: readonly string[];
  /** Operator names; `*` stands for any run of characters. Default: all. */
  readonly names?: readonly string[];
  readonly precision?: Precision;
  readonly activations?: Partial<ActivationSettings>;
  readonly weights?: Partial<WeightSettings>;
}

/** What the user wants of a quantization; plain JSON, every field may be left out. */
export interface Recipe {
  readonly description?: string;
  readonly precision?: Precision;
  readonly activations?: Partial<ActivationSettings>;
  readonly weights?: Partial<WeightSettings>;
  /**
   * Leave the first convolutions, over the few channels of a picture, in float where that is faster; it is more exact
   * too. Default true.
   */
  readonly floatStem?: boolean;
  /** Take the mean error that rounding the weights makes in each channel out of its bias. Default true. */
  readonly biasCorrection?: boolean;
  /** How much is done for accuracy where there is example data, see `QuantizeOnnxOptions.effort`. Default `default`. */
  readonly effort?: "fast" | "default" | "max";
  /** Of the rules that name an operator a later one wins, field by field; rules win over the settings above. */
  readonly rules?: readonly RecipeRule[];
}

const DEFAULTS: OperatorSettings = {
  precision: "int8",
  activations: { type: "uint8", symmetric: false, method: "mse" },
  weights: { type: "int8", symmetric: true, granularity: "per-channel", method: "max", bits: 8 },
};

const INT4_BLOCKS: Recipe = {
  description: "int4 weights with a scale for each 32 numbers, activations in float",
  activations: { type: "float" },
  weights: { type: "int4", block: 32, method: "mse" },
};

/** Ready-made recipes by name. */
export const RECIPES: Readonly<Record<string, Recipe>> = {
  int8: { description: "uint8 activations, int8 weights with a scale for each channel: fast on today's processors" },
  "int8-per-tensor": {
    description: "as int8, with one scale for each weight",
    weights: { granularity: "per-tensor" },
  },
  "int8-seven-bits": {
    description: "as int8, with weights in ±63: exact also on x86 processors without VNNI",
    weights: { bits: 7 },
  },
  "int8-signed": {
    description: "int8 activations and weights, symmetric, as most accelerators want them; slow on x86",
    activations: { type: "int8", symmetric: true },
    floatStem: false,
  },
  "int8-dynamic": {
    description: "int8 weights, activations in the range of each run: for transformers, without example data",
    activations: { type: "dynamic" },
    weights: { method: "mse" },
  },
  "int8-blocks": {
    description: "int8 weights with a scale for each 32 numbers, activations in float: nearly exact",
    activations: { type: "float" },
    weights: { block: 32, method: "mse" },
  },
  "int4-blocks": INT4_BLOCKS,
  "uint8-dynamic": {
    description: "as int8-dynamic, with uint8 weights around 128",
    activations: { type: "dynamic" },
    weights: { type: "uint8", method: "mse" },
  },
  nf4: {
    description: "weights in 16 steps spaced like normally spread numbers, a scale for each 64, activations in float",
    activations: { type: "float" },
    weights: { type: "nf4", block: 64, method: "mse" },
  },
  float16: {
    description: "half floats throughout, but for what would overflow or lose its digits",
    activations: { type: "float16" },
    weights: { type: "float16" },
  },
  q4: INT4_BLOCKS,
  q4f16: {
    description: "as int4-blocks, with half floats between: the smallest file",
    activations: { type: "float16" },
    weights: { type: "int4", block: 32, method: "mse" },
  },
};

/** Whether the recipe as a whole takes ranges from example data. */
export function isStatic({ activations }: Recipe): boolean {
  return isStaticType({ ...DEFAULTS.activations, ...activations }.type);
}

function isStaticType(type: ActivationType): type is "uint8" | "int8" {
  return type === "uint8" || type === "int8";
}

/** What the recipe says of an operator. */
export function settingsFor(
  recipe: Recipe,
  operator: { readonly type: string; readonly name: string },
): OperatorSettings {
  const layers: readonly RecipeRule[] = [recipe, ...(recipe.rules ?? []).filter((rule) => ruleNames(rule, operator))];
  return layers.reduce<OperatorSettings>(
    (settings, layer) => ({
      precision: layer.precision ?? settings.precision,
      activations: { ...settings.activations, ...layer.activations },
      weights: { ...settings.weights, ...layer.weights },
    }),
    DEFAULTS,
  );
}

/** What the recipe says of an operator between such as have static ranges: whatever has none, or other weights than int8, is float. */
export function staticSettingsFor(
  recipe: Recipe,
  operator: { readonly type: string; readonly name: string },
): StaticSettings {
  const { precision, activations, weights } = settingsFor(recipe, operator);
  const { type } = activations;
  if (isStaticType(type) && weights.type === "int8")
    return { precision, activations: { ...activations, type }, weights };
  return { precision: "float", activations: { ...activations, type: "uint8" }, weights };
}

/** Whether the last rule that says how the operator computes asks for int8: then no rule of thumb keeps it float. */
export function asksForInt8(
  { rules = [] }: Recipe,
  operator: { readonly type: string; readonly name: string },
): boolean {
  return rules.findLast((rule) => rule.precision !== undefined && ruleNames(rule, operator))?.precision === "int8";
}

/** Whether the rule is about this operator. */
export function ruleNames(rule: RecipeRule, operator: { readonly type: string; readonly name: string }): boolean {
  if (rule.operators !== undefined && !rule.operators.includes(operator.type)) return false;
  return rule.names === undefined || rule.names.some((pattern) => matches(operator.name, pattern));
}

/** Whether the text is the pattern, `*` standing for any run of characters. Linear in the text for each `*`. */
export function matches(text: string, pattern: string): boolean {
  const [head, ...parts] = pattern.split("*") as [string, ...string[]];
  const tail = parts.pop();
  if (tail === undefined) return text === pattern;
  if (!text.startsWith(head) || text.length < head.length + tail.length || !text.endsWith(tail)) return false;
  let place = head.length;
  for (const part of parts) {
    const found = text.indexOf(part, place);
    if (found < 0) return false;
    place = found + part.length;
  }
  return place <= text.length - tail.length;
}

/** A ready-made recipe. Throws `usage` for a name that is none. */
export function recipeNamed(name: string): Recipe {
  const recipe = Object.hasOwn(RECIPES, name) ? RECIPES[name] : undefined;
  if (recipe !== undefined) return recipe;
  throw new BoltqError("usage", `there is no recipe "${name}"`, {
    remedy: `Choose one of ${Object.keys(RECIPES).join(", ")}, or give a JSON file`,
  });
}
