import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { changeType } from "./change-type.ts";
import { multiplies } from "./fuse-swish.ts";
import { onlyReader, retire } from "./pass.ts";

/**
 * relu6(x + 3) with a division by 6 becomes an HSigmoid; multiplied by x an HSwish, or an HSwishNoDiv without the division
 * (HSwishOptimizer, HSigmoidOptimizer). Bolt looks at operators that stand next to each other.
 */
export async function fuseHardSwish(model: BoltModel): Promise<boolean> {
  const swish = eachHardRelu(model, fuseProduct);
  const sigmoid = eachHardRelu(model, fuseQuotient);
  return swish || sigmoid;
}

interface HardRelu {
  readonly add: BoltNode;
  readonly relu: BoltNode;
  /** The operators that stand after the Relu6. */
  readonly next: BoltNode | undefined;
  readonly afterNext: BoltNode | undefined;
}

function eachHardRelu(model: BoltModel, fuse: (model: BoltModel, found: HardRelu) => boolean): boolean {
  let changed = false;
  const nodes = model.graph.nodes;
  nodes.forEach((relu, place) => {
    const add = nodes[place - 1];
    if (relu.type !== "Relu6" || add === undefined || !isPower(add, 1, 3) || onlyReader(add) !== relu) return;
    if (onlyReader(relu) === undefined || [add, relu].some((node) => model.graph.outputs.includes(node.output())))
      return;
    if (fuse(model, { add, relu, next: nodes[place + 1], afterNext: nodes[place + 2] })) changed = true;
  });
  return changed;
}

function isPower(node: BoltNode, scale: number, shift: number): boolean {
  if (node.type !== "Power") return false;
  const { parameters } = node.data;
  return (
    Math.abs(parameters.number("scale") - scale) < 1e-4 &&
    parameters.number("shift") === shift &&
    parameters.number("power") === 1
  );
}

function isDivisionBy6(node: BoltNode | undefined): node is BoltNode {
  return node !== undefined && isPower(node, 1 / 6, 0);
}

function fuseProduct(model: BoltModel, { add, relu, next, afterNext }: HardRelu): boolean {
  const input = add.input(0);
  if (next !== undefined && multiplies(next, relu.output(), input)) {
    const division = onlyReader(next);
    const divides = isDivisionBy6(division) && !model.graph.outputs.includes(next.output());
    replaceBy(
      model,
      divides ? division : next,
      divides ? "HSwish" : "HSwishNoDiv",
      input,
      divides ? [next, relu, add] : [relu, add],
    );
    return true;
  }
  if (!isDivisionBy6(next) || next.inputs[0] !== relu.output()) return false;
  if (afterNext === undefined || !multiplies(afterNext, next.output(), input) || onlyReader(next) !== afterNext)
    return false;
  replaceBy(model, afterNext, "HSwish", input, [next, relu, add]);
  return true;
}

function fuseQuotient(model: BoltModel, { add, relu, next }: HardRelu): boolean {
  if (!isDivisionBy6(next) || next.inputs[0] !== relu.output()) return false;
  replaceBy(model, next, "HSigmoid", add.input(0), [relu, add]);
  return true;
}

function replaceBy(
  model: BoltModel,
  node: BoltNode,
  type: string,
  input: ReturnType<BoltNode["input"]>,
  gone: readonly BoltNode[],
): void {
  node.setInputs([input]);
  changeType(model, node, type);
  for (const each of gone) retire(model, each, false);
}
