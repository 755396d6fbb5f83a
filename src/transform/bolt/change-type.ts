import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { Parameters, type ParameterValue } from "../../bolt/parameters.ts";

/** Makes another operator of a node, with new parameters. */
export function changeType(
  model: BoltModel,
  node: BoltNode,
  type: string,
  parameters: Readonly<Record<string, ParameterValue>> = {},
): void {
  node.type = type;
  node.data.parameters = Parameters.of(type, model.version, parameters);
}
