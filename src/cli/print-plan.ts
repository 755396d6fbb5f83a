import type { OperatorPlan, Plan, WeightPlan, WeightType } from "../quantize/plan.ts";
import { printPlanFile } from "../quantize/plan-file.ts";
import { printLines, table } from "./print.ts";

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

function describeForm({ type, form, block, symmetric }: WeightPlan): string {
  const blocks = block === undefined ? "" : ` in blocks of ${block}${symmetric ? "" : " with zero points"}`;
  return `${type}${blocks}${form === undefined ? "" : ` as ${form}`}`;
}

function storedIn(type: WeightType, weights: Plan["weights"]): string {
  return `${weights.filter((weight) => weight.type === type).length} of ${weights.length} weights are stored`;
}

/** What will become of every operator, value and weight, and why; or the plan as JSON. */
export function printPlan(plan: Plan, json: boolean): void {
  if (json) printLines([printPlanFile(plan).trimEnd()]);
  else printLines([...describeOperators(plan), "", ...describeValues(plan), "", ...describeWeights(plan)]);
}

function describeOperators({ operators }: Plan): string[] {
  return table(
    ["operator", "type", "precision", "because"],
    operators.map((operator) => [operator.name, operator.type, describePrecision(operator), operator.reason]),
  );
}

function describePrecision({ precision, label, static: fixed }: OperatorPlan): string {
  const word = label === undefined || label === "float" ? precision : label;
  return fixed ? `${word}, static` : word;
}

function describeValues({ values }: Plan): string[] {
  const percent = (share: number | undefined) => (share === undefined ? "" : `${(100 * share).toFixed(3)} %`);
  return table(
    ["value", "of", "type", "scale", "zero point", "low", "high", "method", "clipped", "become 0", "because"],
    values.map((value) => [
      value.name,
      value.operator ?? "",
      value.type,
      value.scale.toPrecision(6),
      `${value.zeroPoint}`,
      value.low.toPrecision(5),
      value.high.toPrecision(5),
      value.method,
      percent(value.clipped),
      percent(value.zeroed),
      value.reason,
    ]),
  );
}

function describeScales({ block, scales, granularity, form }: WeightPlan): string {
  if (form !== undefined && scales.length === 0) return block === undefined ? "by channel" : "by block";
  return granularity === "per-channel" ? `${scales.length} by channel` : "1";
}

function describeWeights({ weights }: Plan): string[] {
  return table(
    ["weight", "operator", "stored as", "scales", "largest scale", "because"],
    weights.map((weight) => [
      weight.name,
      weight.operator,
      describeForm(weight),
      describeScales(weight),
      weight.scales.length === 0 ? "" : weight.scales.reduce((most, scale) => Math.max(most, scale)).toPrecision(6),
      weight.reason,
    ]),
  );
}
