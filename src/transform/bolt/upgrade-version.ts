import type { BoltModel } from "../../bolt/model.ts";
import { numberOfOperator } from "../../bolt/operators.ts";
import type { BoltVersion } from "../../bolt/version.ts";
import { BoltqError } from "../../io/error.ts";

/** States a model as files of `version` do. Throws `unsupported` for an operator that these lack. */
export function upgradeVersion(model: BoltModel, version: BoltVersion): void {
  if (model.version === version) return;
  for (const node of model.graph.nodes) {
    if (numberOfOperator(node.type, version) === undefined) {
      throw new BoltqError("unsupported", `files of version ${version} have no such operator`, {
        subject: `operator "${node.name}" (${node.type})`,
        remedy: "Convert the original model again",
      });
    }
    node.data.parameters = node.data.parameters.toVersion(version);
  }
  model.version = version;
}
