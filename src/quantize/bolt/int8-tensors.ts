import type { BoltModel, BoltNode, BoltValue } from "../../bolt/model.ts";
import { movesNumbers } from "../../bolt/moves-numbers.ts";
import { liveNodes } from "../../transform/bolt/pass.ts";
import type { Plan } from "../plan.ts";
import { isQuantizable } from "./labels.ts";

/** An int8 tensor at an operator of a planned network. */
export interface Int8Tensor {
  readonly node: BoltNode;
  /** What the operator reads or (`made`) gives. */
  readonly value: BoltValue;
  readonly made: boolean;
  /** The value whose quantization the levels come from: that behind the operators that only move numbers. */
  readonly levels: BoltValue;
}

/** The operators of a planned network that compute in int8, in graph order. */
export function int8Operators(model: BoltModel, plan: Plan): BoltNode[] {
  return liveNodes(model).filter((node, index) => {
    const { label } = plan.operators[index]!;
    return (label === "int8" || label === "int8-to-float") && isQuantizable(node, model);
  });
}

/** All int8 tensors of a planned network, in graph order: inputs and int8 outputs of operators, inputs of what lies between. */
export function int8Tensors(model: BoltModel, plan: Plan): Int8Tensor[] {
  const computing = new Set(int8Operators(model, plan));
  const int8 = new Set(liveNodes(model).filter((_, index) => plan.operators[index]!.label === "int8"));
  const levelsOf = (value: BoltValue) => levelsFrom(value, (node) => int8.has(node) && !computing.has(node));
  return liveNodes(model).flatMap((node): Int8Tensor[] => {
    if (!int8.has(node) && !computing.has(node)) return [];
    const read = new Set(computing.has(node) ? node.inputs : node.inputs.slice(0, 1));
    const inputs = [...read].flatMap((value) =>
      value === undefined ? [] : [{ node, value, made: false, levels: levelsOf(value) }],
    );
    const gives = computing.has(node) && int8.has(node);
    return gives ? [...inputs, { node, value: node.output(), made: true, levels: node.output() }] : inputs;
  });
}

function levelsFrom(value: BoltValue, handsOn: (node: BoltNode) => boolean): BoltValue {
  let current = value;
  for (
    let node = current.producer;
    node !== undefined && handsOn(node) && movesNumbers(node);
    node = current.producer
  ) {
    const input = node.inputs[0];
    if (input === undefined) break;
    current = input;
  }
  return current;
}
