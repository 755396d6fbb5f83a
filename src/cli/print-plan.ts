import type { OperatorPlan, Plan, WeightPlan } from "../quantize/plan.ts";
import { printPlanFile } from "../quantize/plan-file.ts";
import { describeForm } from "../report/summarize-plan.ts";
import { printLines, table } from "./print.ts";

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
