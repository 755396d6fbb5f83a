import type { ModelSummary, OperatorSummary, TensorSummary, WeightSummary } from "../report/summary.ts";
import { table } from "./print.ts";

/** The text that `inspect` prints, and the programs with -V. */
export function describeModel(summary: ModelSummary): string[] {
  const weightBytes = summary.weights.reduce((sum, weight) => sum + weight.bytes + weight.vectorBytes, 0);
  return [
    `format: ${summary.format}`,
    ...Object.entries(summary.header).map(([name, value]) => `${name}: ${value}`),
    ...summary.inputs.map((input) => `input ${describeTensor(input)}`),
    ...summary.outputs.map((output) => `output ${describeTensor(output)}`),
    "",
    `${summary.operators.length} operators`,
    ...summary.operators.flatMap(describeOperator),
    "",
    `${summary.weights.length} weights, ${weightBytes} bytes`,
    ...table(
      ["weight", "type", "shape", "bytes", "vector", "minimum", "maximum", "scales"],
      summary.weights.map(weightRow),
    ),
  ];
}

function describeTensor({ name, type, shape }: TensorSummary): string {
  return [name, type, shape === undefined ? undefined : `[${shape.map((size) => size ?? "?").join(", ")}]`]
    .filter(Boolean)
    .join(" ");
}

function describeOperator(operator: OperatorSummary): string[] {
  const parameters = Object.entries(operator.parameters).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return [
    `${operator.type} ${operator.name}`,
    `  ${operator.inputs.join(", ")} -> ${operator.outputs.join(", ")}`,
    ...(parameters.length > 0 ? [`  ${parameters.join(" ")}`] : []),
    ...(operator.scales.length > 0 ? [`  scales: ${JSON.stringify(operator.scales)}`] : []),
  ];
}

function weightRow(weight: WeightSummary): string[] {
  return [
    weight.name,
    weight.type,
    weight.shape.join("x"),
    `${weight.bytes}`,
    `${weight.vectorBytes}`,
    weight.minimum?.toPrecision(5) ?? "",
    weight.maximum?.toPrecision(5) ?? "",
    weight.scales
      .flat()
      .map((scale) => scale.toPrecision(6))
      .join(" "),
  ];
}
