import type { BoltModel } from "../bolt/model.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { removeFakeQuantization } from "../transform/onnx/remove-fake-quantization.ts";
import type { LayerClips } from "./scale-table.ts";

/** The operators that a scale table is for. */
const MATRIX: ReadonlySet<string> = new Set(["Conv", "ConvTranspose", "Gemm", "MatMul"]);

interface TrainedLayer extends LayerClips {
  readonly inputs: Map<string, number>;
  readonly weights: Map<string, number>;
  readonly outputs: Map<string, number>;
  readonly ranges: Map<string, readonly [number, number]>;
}

/**
 * Takes the simulated quantization out of a model that was trained with it and returns its clip values as a scale table:
 * inputs and weight of each matrix operator, and the ranges of the inputs. Layers are called as X2bolt calls them: by the operator's name, else by its
 * output. With `all`, of every operator, and of the outputs of the model too.
 */
export async function tableOfTraining(model: OnnxModel, { all = false } = {}): Promise<Map<string, LayerClips>> {
  const layers = new Map<string, TrainedLayer>();
  for (const { operator, value, clip, range, isOutput } of await removeFakeQuantization(model)) {
    if (!(clip > 0) || (!all && (isOutput || !MATRIX.has(operator.type)))) continue;
    if (MATRIX.has(operator.type) && operator.type !== "MatMul" && operator.inputs[2] === value) continue;
    const name = operator.name || operator.output().name;
    const layer = layers.get(name) ?? { inputs: new Map(), weights: new Map(), outputs: new Map(), ranges: new Map() };
    (isOutput ? layer.outputs : value.constant === undefined ? layer.inputs : layer.weights).set(value.name, clip);
    if (range !== undefined) layer.ranges.set(value.name, range);
    layers.set(name, layer);
  }
  return layers;
}

/**
 * The same table with the names that tensors have in the Bolt network that X2bolt makes of the model, where activations are
 * part of the operators before. `prepared` is that network as post_training_quantization rewrites it first.
 */
export function withBoltNames(layers: ReadonlyMap<string, LayerClips>, prepared: BoltModel): Map<string, LayerClips> {
  const nodes = new Map(prepared.graph.nodes.map((node) => [node.name, node]));
  return new Map(
    [...layers].flatMap(([name, clips]): [string, LayerClips][] => {
      const read = nodes.get(name)?.inputs.flatMap((input) => (input === undefined ? [] : [input.name]));
      if (read === undefined) return [];
      const [only, ...others] = [...clips.inputs];
      const lone = only !== undefined && others.length === 0 && read.length === 1;
      const inputs = lone
        ? new Map([[read[0]!, only[1]]])
        : new Map([...clips.inputs].filter(([input]) => read.includes(input)));
      return [[name, { ...clips, inputs, ranges: new Map() }]];
    }),
  );
}
