import type { BoltModel } from "../../bolt/model.ts";
import type { Dimension } from "../../graph/tensor.ts";
import { BoltqError } from "../../io/error.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import { raiseToOnnx } from "../bolt-to-onnx/index.ts";
import type { ConvertedInput } from "./converted-input.ts";
import { withMadeUpSizes } from "./open-sizes.ts";

/**
 * Checks a converted model against its source: raised again, every operator finds its inputs and weights in the sizes that
 * its parameters say, and the outputs have the same shapes. Throws `unsupported` where they do not. What cannot be raised
 * is not checked, nor are outputs of operators of other domains (Bolt's DetectionOutput gives them in rows of its own), nor
 * sizes that are made up because the source leaves them open, where they do not fit.
 */
export async function checkConverted(
  bolt: BoltModel,
  inputs: readonly ConvertedInput[],
  source: OnnxModel,
): Promise<void> {
  const sized = withMadeUpSizes(bolt, inputs, source);
  const raised = await raisedOutputs(sized, sized !== bolt);
  const { main } = source;
  main.graph.outputs.forEach(({ name, type, producer }, index) => {
    if (producer !== undefined && producer.data.domain !== "") return;
    const [expected, actual] = [type?.shape, raised?.[index]?.type?.shape];
    if (expected !== undefined && actual !== undefined && !agree(expected, actual))
      throw refusal(`its output "${name}" would be ${actual.join(" x ")} instead of ${expected.join(" x ")}`);
  });
}

async function raisedOutputs(bolt: BoltModel, isMadeUp: boolean) {
  try {
    return (await raiseToOnnx(bolt)).main.graph.outputs;
  } catch (error) {
    if (!(error instanceof BoltqError)) throw error;
    if (isMadeUp || error.code === "unsupported") return undefined;
    throw refusal(error.message);
  }
}

/** Whether two shapes may be the same. */
function agree(one: readonly Dimension[], other: readonly Dimension[]): boolean {
  const known = (size: Dimension) => typeof size === "number";
  return (
    one.length === other.length &&
    one.every((size, axis) => !known(size) || !known(other[axis]) || size === other[axis])
  );
}

function refusal(problem: string): BoltqError {
  return new BoltqError("unsupported", `the model cannot be converted as it is: ${problem}`, {
    remedy: "Replace the operator before exporting; --as-bolt writes what Bolt's own X2bolt does all the same",
  });
}
