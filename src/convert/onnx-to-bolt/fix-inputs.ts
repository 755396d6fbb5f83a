import type { BoltRules } from "../../bolt/rules.ts";
import type { Dimension } from "../../graph/tensor.ts";
import { BoltqError } from "../../io/error.ts";
import type { InputShapes } from "../../onnx/inference.ts";
import type { OnnxModel, OnnxValue } from "../../onnx/model.ts";

export interface FixInputsOptions {
  /** By input name, in place of what the model states. */
  readonly given: InputShapes;
  readonly rules: BoltRules;
  /** Told of each dimension that stays open or is assumed. */
  readonly note: (text: string) => void;
}

/**
 * Takes the constants from the model's inputs (Bolt knows none that can be replaced), and gives the shapes of the others:
 * as given, or as stated, with 1 for an open batch and in files of 1.3.0 for every open dimension. Throws `unsupported`
 * for an input of unknown rank, `usage` for a given size below 1.
 */
export function fixInputs({ main: { graph } }: OnnxModel, options: FixInputsOptions): InputShapes {
  graph.inputs = graph.inputs.filter(({ constant }) => constant === undefined);
  for (const [name, shape] of Object.entries(options.given)) {
    if (shape.some((size) => typeof size === "number" && !(size > 0)))
      throw new BoltqError("usage", `the input "${name}" cannot be empty`, { remedy: "Give sizes from 1" });
  }
  const open = graph.inputs.filter(({ name }) => !Object.hasOwn(options.given, name));
  return { ...options.given, ...Object.fromEntries(open.map((input) => [input.name, fixedShape(input, options)])) };
}

function fixedShape({ name, type }: OnnxValue, { rules, note }: FixInputsOptions): Dimension[] {
  if (type?.shape === undefined) {
    throw new BoltqError("unsupported", `the model does not state the shape of its input "${name}"`, {
      remedy: `Give it, as in --input-shape ${name}=1x3x224x224`,
    });
  }
  return type.shape.map((size, axis) => {
    if (typeof size === "number" && size > 0) return size;
    const assumed = axis === 0 || size === "batch" || rules === "1.3.0" ? 1 : undefined;
    note(`dimension ${axis} of the input "${name}" is not fixed${assumed === undefined ? "" : "; 1 is assumed"}`);
    return assumed ?? size;
  });
}
