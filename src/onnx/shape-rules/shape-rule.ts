import type { Dimension, ElementType, TensorType } from "../../graph/tensor.ts";
import type { OnnxNode, OnnxValue } from "../model.ts";

/** A shape of known rank. */
export type Shape = readonly Dimension[];

/** What is known of a node when the shapes of its outputs are inferred. */
export interface NodeFacts {
  readonly node: OnnxNode;
  /** Opset version of ai.onnx that the model imports. */
  readonly opset: number;
  /** Whether input `index` is given. */
  has(index: number): boolean;
  /** Element type of input `index`, where known. */
  type(index: number): ElementType | undefined;
  /** Shape of input `index`; undefined when it is left out or its rank is unknown. */
  shape(index: number): Shape | undefined;
  /**
   * Elements of input `index`, each a number, the name of a dimension, or unknown; undefined when nothing is known.
   * Only inputs that the rule `reads` are sure to be looked up.
   */
  values(index: number): readonly Dimension[] | undefined;
}

/** The facts of a node whose inputs' types are those of their values; `elementsOf` tells what is known of an input's elements. */
export function nodeFacts(
  node: OnnxNode,
  opset: number,
  elementsOf: (value: OnnxValue) => readonly Dimension[] | undefined,
): NodeFacts {
  return {
    node,
    opset,
    has: (index) => node.inputs[index] !== undefined,
    type: (index) => node.inputs[index]?.constant?.type ?? node.inputs[index]?.type?.type,
    shape: (index) => shapeOf(node.inputs[index]),
    values: (index) => {
      const input = node.inputs[index];
      return input === undefined ? undefined : elementsOf(input);
    },
  };
}

/** The shape of a value; negative sizes, which some exporters write, are unknown. */
export function shapeOf(value: OnnxValue | undefined): Shape | undefined {
  const shape = value?.constant?.shape ?? value?.type?.shape;
  const isNegative = (size: Dimension) => typeof size === "number" && size < 0;
  return shape?.some(isNegative) ? shape.map((size) => (isNegative(size) ? undefined : size)) : shape;
}

/** The types of a node's outputs, in order; undefined where nothing is known. */
export type InferOutputs = (facts: NodeFacts) => readonly (TensorType | undefined)[];

/** How the output shapes of one operator type follow from its inputs. */
export interface ShapeRule {
  readonly infer: InferOutputs;
  /** Inputs whose elements the rule needs, such as a target shape. */
  readonly reads?: readonly number[];
}

export type ShapeRules = Readonly<Record<string, ShapeRule>>;

/** A tensor type, if the element type is known. */
export function typed(type: ElementType | undefined, shape: Shape | undefined): TensorType | undefined {
  return type === undefined ? undefined : { type, shape };
}

/** The same rule for several operator types. */
export function rulesFor(operators: readonly string[], rule: ShapeRule): ShapeRules {
  return Object.fromEntries(operators.map((operator) => [operator, rule]));
}
