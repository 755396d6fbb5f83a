import { raiseToOnnx } from "../../convert/bolt-to-onnx/index.ts";
import type { Model } from "../../convert/model-file.ts";
import { familyOf } from "../../evaluate/operator-families.ts";
import { channelAxis, storedConstant } from "../../evaluate/stored-constant.ts";
import { elementCount } from "../../graph/tensor.ts";
import type { ReportChannels } from "../html/report-data.ts";

/** Operators whose weights have channels. */
const WITH_CHANNELS: ReadonlySet<string> = new Set(["convolution", "product"]);

/** The largest code of int8. */
const MOST_CODE = 127;

/** Weights from this size on are left out: reading them all would take as long as quantizing the model. */
const MOST_ELEMENTS = 2 ** 22;

/** The largest magnitudes of the channels of all weights, and what their scales reach to. Weights are read one after the other. */
export async function channelsOf(model: Model): Promise<ReportChannels[]> {
  const { main } = model.format === "bolt" ? await raiseToOnnx(model) : model;
  const found: ReportChannels[] = [];
  for (const node of main.graph.nodes) {
    const stored = WITH_CHANNELS.has(familyOf(node)) ? storedConstant(node.inputs[1]) : undefined;
    if (stored === undefined || elementCount(stored.tensor.shape) > MOST_ELEMENTS) continue;
    const { shape } = stored.tensor;
    const axis = Math.min(channelAxis(node), shape.length - 1);
    const channels = shape[axis] ?? 1;
    const inner = elementCount(shape.slice(axis + 1));
    const magnitudes = new Array<number>(channels).fill(0);
    (await stored.values()).forEach((value, index) => {
      const channel = Math.floor(index / inner) % channels;
      magnitudes[channel] = Math.max(magnitudes[channel]!, Math.abs(value));
    });
    const reach = Array.from(await stored.scales(), (scale) => scale * MOST_CODE);
    found.push({ operator: node.name || node.output().name, name: node.inputs[1]!.name, magnitudes, reach });
  }
  return found;
}
