import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { Parameters, type ParameterValues } from "../../bolt/parameters.ts";

/** Makes another operator of a node, with new parameters. */
export function changeType(model: BoltModel, node: BoltNode, type: string, parameters: ParameterValues = {}): void {
  node.type = type;
  node.data.parameters = Parameters.of(type, model.version, parameters);
}
