import type { Plan, WeightPlan, WeightType } from "../quantize/plan.ts";

/** How much is in int8, and why which weights are not; or how many weights are stored in which form. */
export function summarizePlan({ operators, weights }: Plan): string[] {
  if (weights.some(({ form }) => form !== undefined)) return summarizeForms(weights);
  const computing = operators.filter(({ precision }) => precision === "int8").length;
  const counts = counted(
    weights.flatMap(({ type, reason }) => (type === "float32" || type === "float16" ? [reason] : [])),
  );
  const stored = new Set(weights.map(({ operator }) => operator));
  const left = counted(
    operators.flatMap(({ name, type, precision, reason }) =>
      WITH_WEIGHTS.has(type) && precision === "float" && !stored.has(name) ? [reason] : [],
    ),
  );
  return [
    `${computing} of ${operators.length} operators compute in int8, ${storedIn("int8", weights)} in int8`,
    ...(weights.some(({ type }) => type === "int4") ? [`${storedIn("int4", weights)} in int4`] : []),
    ...(counts.length > 0 ? [`weights left in float: ${counts.join("; ")}`] : []),
    ...(left.length > 0 ? [`operators with weights left in float: ${left.join("; ")}`] : []),
  ];
}

/** Operators for which int8 is worth most. */
const WITH_WEIGHTS: ReadonlySet<string> = new Set(["Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM", "GRU"]);

/** Each reason once, with how often it is given. */
function counted(reasons: readonly string[]): string[] {
  return [...new Set(reasons)].map((reason) => `${reasons.filter((each) => each === reason).length}: ${reason}`);
}

function summarizeForms(weights: Plan["weights"]): string[] {
  return counted(weights.map((weight) => `${describeForm(weight)}: ${weight.reason}`));
}

/** What a weight is stored as, in words. */
export function describeForm({ type, form, block, symmetric }: WeightPlan): string {
  const blocks = block === undefined ? "" : ` in blocks of ${block}${symmetric ? "" : " with zero points"}`;
  return `${type}${blocks}${form === undefined ? "" : ` as ${form}`}`;
}

function storedIn(type: WeightType, weights: Plan["weights"]): string {
  return `${weights.filter((weight) => weight.type === type).length} of ${weights.length} weights are stored`;
}
