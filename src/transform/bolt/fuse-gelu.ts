import type { BoltModel, BoltNode, BoltValue } from "../../bolt/model.ts";
import { changeType } from "./change-type.ts";
import { multiplies } from "./fuse-swish.ts";
import { onlyReader, retire } from "./pass.ts";

/** How far Bolt lets a factor be from what it is to be. */
const TOLERANCE = 1e-4;

/**
 * 0.5 · x · (1 + erf(x / √2)) becomes a Gelu, and so does 0.5 · x · (1 + tanh(√(2 / π) · (x + 0.044715 · x³))); the half
 * may stand before the product, behind it, or with the 1 (GeluOptimizer).
 */
export async function fuseGelu(model: BoltModel): Promise<boolean> {
  let changed = false;
  for (const node of model.graph.nodes) {
    const curve = node.type === "Erf" ? beforeErf(node) : node.type === "TanH" ? beforeTanh(model, node) : undefined;
    if (curve !== undefined) changed = fuse(model, node, curve) || changed;
  }
  return changed;
}

/** What is computed of x alone, up to the curve. */
interface Curve {
  readonly input: BoltValue;
  readonly nodes: readonly BoltNode[];
}

function beforeErf(erf: BoltNode): Curve | undefined {
  const scaled = erf.inputs[0]?.producer;
  return isLinear(scaled, Math.SQRT1_2, 0) ? { input: scaled.input(0), nodes: [scaled] } : undefined;
}

function beforeTanh({ graph }: BoltModel, tanh: BoltNode): Curve | undefined {
  const scaled = tanh.inputs[0]?.producer;
  const sum = isLinear(scaled, Math.sqrt(2 / Math.PI), 0) ? scaled.input(0).producer : undefined;
  if (sum?.type !== "Eltwise" || sum.inputs.length !== 2 || sum.data.parameters.name("mode") !== "SUM")
    return undefined;
  const small = sum.inputs.map((operand) => operand?.producer).find((node) => isLinear(node, 0.044715, 0));
  const cube = small?.inputs[0]?.producer;
  if (small === undefined || cube?.type !== "Power" || !isNear(cube, 1, 0, 3)) return undefined;
  const input = cube.input(0);
  if (!sum.inputs.includes(input) || graph.outputs.includes(cube.output())) return undefined;
  return { input, nodes: [cube, small, sum, scaled!] };
}

/** Takes the product behind the curve for a Gelu, if nothing else reads what is between. */
function fuse(model: BoltModel, curve: BoltNode, { input, nodes }: Curve): boolean {
  const inner = (node: BoltNode) => (model.graph.outputs.includes(node.output()) ? undefined : onlyReader(node));
  if (nodes.some((node) => inner(node) === undefined)) return false;
  const shifted = inner(curve);
  const halved = isLinear(shifted, 0.5, 0.5);
  if (shifted === undefined || !(halved || isLinear(shifted, 1, 1))) return false;
  const next = inner(shifted);
  const between = !halved && isLinear(next, 0.5, 0) ? next : undefined;
  const product = between === undefined ? next : inner(between);
  if (product === undefined) return false;
  const factor = (between ?? shifted).output();
  const gone = [...nodes, curve, shifted, ...(between === undefined ? [] : [between])];
  if (multiplies(product, factor, input)) {
    const behind = halved || between !== undefined ? undefined : inner(product);
    if (!halved && between === undefined && !isLinear(behind, 0.5, 0)) return false;
    replace(model, product, input, gone);
    if (behind !== undefined) retire(model, behind, true);
    return true;
  }
  const half = halved || between !== undefined ? undefined : input.users.find((node) => isLinear(node, 0.5, 0));
  if (half === undefined || inner(half) !== product || !multiplies(product, factor, half.output())) return false;
  replace(model, product, input, [...gone, half]);
  return true;
}

function replace(model: BoltModel, product: BoltNode, input: BoltValue, gone: readonly BoltNode[]): void {
  product.setInputs([input]);
  changeType(model, product, "Gelu");
  for (const node of gone) retire(model, node, false);
}

function isLinear(node: BoltNode | undefined, scale: number, shift: number): node is BoltNode {
  return node?.type === "Power" && isNear(node, scale, shift, 1);
}

function isNear({ data }: BoltNode, ...wanted: readonly [scale: number, shift: number, power: number]): boolean {
  const values = data.parameters.numbers("scale", "shift", "power");
  return values.every((value, index) => Math.abs(value - wanted[index]!) < TOLERANCE);
}
