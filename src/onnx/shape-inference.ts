import { Inference, type InputShapes } from "./inference.ts";
import type { OnnxModel, OnnxNode } from "./model.ts";

export interface InferShapesOptions {
  /** Shapes of graph inputs by name: of those that are open, or to use the model with other sizes than it states. */
  readonly inputShapes?: InputShapes;
}

/** Enough for the shapes, axes and sizes that shapes are calculated from. */
const MOST_ELEMENTS = 1024;

/**
 * Sets `value.type` of every value whose shape follows from the inputs, in subgraphs too. What follows replaces what the
 * model states; where nothing follows, what it states stays, unless the inputs have other sizes than it was stated for.
 * Returns the operators that have no shape rule. Throws BoltqError `usage` for input shapes that do not fit the model,
 * `invalid-graph` where shapes contradict each other.
 */
export async function inferShapes(model: OnnxModel, options: InferShapesOptions = {}): Promise<readonly OnnxNode[]> {
  const inference = new Inference(model, {
    inputShapes: options.inputShapes ?? {},
    mostElements: MOST_ELEMENTS,
    isConstant: (value) => value.constant !== undefined,
  });
  await inference.run();
  return inference.unresolved;
}
