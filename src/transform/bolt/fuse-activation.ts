import { enumerationNumber } from "../../bolt/enumerations.ts";
import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import type { ParameterName } from "../../bolt/parameter-layouts.ts";
import { onlyReader, type PassOptions, retire } from "./pass.ts";

const RELU = enumerationNumber("ActivationMode", "RELU")!;

/** Where a convolution of each kind keeps its activation. */
const ACTIVATION_FIELDS: Readonly<Record<string, ParameterName>> = {
  POINTWISE: "pw_activation_type",
  DECONVOLUTION: "pw_activation_type",
  DILATION: "pw_activation_type",
  DEPTHWISE: "dw_activation_type",
};

/** Lets a Conv, Eltwise or Tdnn do the Relu that follows it (ActivationOptimizer). */
export async function fuseActivation(model: BoltModel, { asBolt }: PassOptions): Promise<boolean> {
  let changed = false;
  for (const node of model.graph.nodes) {
    const field = activationField(node);
    if (field === undefined || (!asBolt && model.graph.outputs.includes(node.output()))) continue;
    const relu = onlyReader(node);
    if (relu?.type !== "Relu" || relu.data.parameters.number("neg_slope") !== 0) continue;
    node.data.parameters.set(field, RELU);
    node.data.parameters.set("activation_spec.min", relu.data.parameters.number("neg_slope"));
    retire(model, relu, true);
    changed = true;
  }
  return changed;
}

function activationField(node: BoltNode): ParameterName | undefined {
  if (node.type === "Conv") return ACTIVATION_FIELDS[node.data.parameters.name("convolution_type")];
  return node.type === "Eltwise" || node.type === "Tdnn" ? "activation_type" : undefined;
}
