import type { Dataset } from "../../../data/dataset.ts";
import { denseTensor, denseValues } from "../../../graph/dense-values.ts";
import type { DenseTensor } from "../../../graph/tensor.ts";
import type { OnnxModel } from "../../../onnx/model.ts";
import { weightPlaces } from "./weight-places.ts";

/** Tables of fewer rows hold no words. */
const LEAST_WORDS = 1000;

/** So many examples tell enough by themselves. */
const ENOUGH_EXAMPLES = 1000;

/**
 * The examples, and each once more with other words of the vocabulary, chosen evenly, between its first token and its last: a
 * few texts reach few of the directions that inputs of products take. Fitted to both, a BERT in 4 bits gained 0.8 dB on texts of the same
 * kind, 1.3 dB on others. Models that look up no tokens have the examples alone.
 */
export function withOtherWords(model: OnnxModel, dataset: Dataset): Dataset {
  const vocabularies = vocabulariesOf(model);
  if (vocabularies.size === 0 || dataset.length >= ENOUGH_EXAMPLES) return dataset;
  return {
    ...dataset,
    length: 2 * dataset.length,
    names: [...dataset.names, ...dataset.names],
    async *samples(onSkip) {
      yield* dataset.samples(onSkip);
      const next = evenNumbers();
      for await (const sample of dataset.samples()) {
        const inputs = new Map(sample.inputs);
        for (const [name, words] of vocabularies) {
          const ids = inputs.get(name);
          if (ids !== undefined) inputs.set(name, otherWords(ids, words, next));
        }
        yield { ...sample, inputs };
      }
    },
  };
}

/** How many words each input of the model that holds tokens chooses from. */
function vocabulariesOf(model: OnnxModel): Map<string, number> {
  const inputs = new Set(model.main.graph.inputs);
  const tables = weightPlaces(model).filter(({ node, role }) => role === "table" && inputs.has(node.input(1)));
  return new Map(
    tables.flatMap(({ node, value }) => {
      const words = value.constant!.shape[0]!;
      return words < LEAST_WORDS ? [] : [[node.input(1).name, words]];
    }),
  );
}

/** The last axis is that of the tokens of a text. */
function otherWords(ids: DenseTensor, words: number, next: () => number): DenseTensor {
  const length = ids.shape.at(-1) ?? 1;
  const values = Array.from(denseValues(ids), Number);
  return denseTensor(
    ids.type,
    ids.shape,
    values.map((id, place) =>
      place % length === 0 || place % length === length - 1 ? id : Math.floor(next() * words),
    ),
  );
}

/** From 0 to 1, the same each time (Numerical Recipes' generator). */
function evenNumbers(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
