import type { Model } from "../../convert/model-file.ts";
import type { OperatorLoss } from "../../evaluate/compare-inside.ts";
import { activationInputs, isLayer, origin } from "../../evaluate/operator-families.ts";
import type { Graph } from "../../graph/graph.ts";
import type { OperatorPlan } from "../../quantize/plan.ts";
import type { ReportGraph } from "../html/report-data.ts";

/** What is known of a model's operators, by their names. */
export interface KnownOperators {
  readonly losses?: readonly OperatorLoss[] | undefined;
  readonly operators?: readonly OperatorPlan[] | undefined;
}

/** A model's operators and what flows between them, without changes of the number format and without places. */
export function graphOfModel(
  model: Model,
  { losses = [], operators = [] }: KnownOperators,
): Omit<ReportGraph, "layout"> {
  const graph = (model.format === "bolt" ? model.graph : model.main.graph) as Graph;
  const layers = graph.nodes.filter(isLayer);
  const places = new Map(layers.map((node, index) => [node, index]));
  const local = new Map(losses.map((loss) => [loss.operator, loss.local]));
  const precision = new Map(operators.map((operator) => [operator.name, operator.label ?? operator.precision]));
  const nodes = layers.map(({ name, type, outputs }) => {
    const known = name || (outputs[0]?.name ?? "");
    return { name: known, type, precision: precision.get(known), local: local.get(known) };
  });
  const edges = layers.flatMap((node, to) =>
    [...new Set(activationInputs(node).map((input) => origin(input).producer))].flatMap((producer) => {
      const from = producer === undefined ? undefined : places.get(producer);
      return from === undefined ? [] : [[from, to] as const];
    }),
  );
  return { nodes, edges };
}
