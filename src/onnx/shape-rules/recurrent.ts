import { intAttribute, textAttribute } from "../attributes.ts";
import { changed, knownOf } from "./dimensions.ts";
import { type InferOutputs, rulesFor, type ShapeRules, typed } from "./shape-rule.ts";

/** Y, the last hidden state and, of an LSTM, the last cell state. `layout` 1 puts the batch first. */
const recurrent: InferOutputs = ({ node, type, shape }) => {
  const input = shape(0);
  const batchFirst = intAttribute(node, "layout", 0) !== 0;
  const [steps, batch] = batchFirst ? [input?.[1], input?.[0]] : [input?.[0], input?.[1]];
  const directions = textAttribute(node, "direction", "forward") === "bidirectional" ? 2 : 1;
  const stated = intAttribute(node, "hidden_size", 0) || undefined;
  const hidden = knownOf(
    stated,
    changed(shape(2)?.[2], (size) => size),
  );
  const state = batchFirst ? [batch, directions, hidden] : [directions, batch, hidden];
  const sequence = batchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden];
  return [typed(type(0), sequence), typed(type(0), state), typed(type(0), state)];
};

/** Recurrent layers. */
export const RECURRENT_RULES: ShapeRules = rulesFor(["LSTM", "GRU", "RNN"], { infer: recurrent });
