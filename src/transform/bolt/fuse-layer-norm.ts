import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { changeType } from "./change-type.ts";
import { type PassOptions, RETIRED, retire } from "./pass.ts";

/** A summand up to here under the root is taken for one that only keeps it from zero. */
const LARGEST_EPSILON = 1e-4;

/**
 * Mean, difference, variance, root and quotient, then a Scale, become a LayerNorm (LayerNormOptimizer). Bolt looks at
 * operators that stand next to each other, whatever they read, and drops the summand under the root; so this is done
 * only as Bolt. Otherwise the pattern is found before, in ONNX.
 */
export async function fuseLayerNorm(model: BoltModel, { asBolt }: PassOptions): Promise<boolean> {
  if (!asBolt) return false;
  const { nodes } = model.graph;
  let changed = false;
  for (let place = 0; place < nodes.length - 6; place++) {
    const scale = placeOfScale(nodes, place);
    if (scale === undefined) continue;
    for (const node of nodes.slice(place, scale)) if (node.type !== RETIRED) retire(model, node, true);
    changeType(model, nodes[scale]!, "LayerNorm", { axis: -1 });
    place = scale;
    changed = true;
  }
  return changed;
}

type Test = (node: BoltNode) => boolean;

const mean: Test = ({ type, data }) =>
  (type === "Reduction" && data.parameters.name("mode") === "MEAN" && data.parameters.number("num_axes") === 1) ||
  (type === "Pooling" && data.parameters.name("mode") === "MEAN");
const difference: Test = (node) => isEltwise(node, "SUB");
const square: Test = (node) => isPower(node, 0, 2);
const epsilon: Test = ({ type, data }) => {
  if (type !== "Power") return false;
  const [scale, shift, power] = data.parameters.numbers("scale", "shift", "power") as [number, number, number];
  return scale === 1 && power === 1 && Math.abs(shift) < LARGEST_EPSILON;
};
const root: Test = (node) => isPower(node, 0, 0.5) || isPower(node, 0, -0.5);

/** One step of the pattern; a step that may lack, and one that operators taken out may stand before. */
interface Step {
  readonly is: Test;
  readonly optional?: boolean;
  readonly skip?: boolean;
}

const CENTERED: readonly Step[] = [
  { is: mean },
  { is: difference },
  { is: ({ type }) => type === "Cast", skip: true, optional: true },
  { is: square },
  { is: mean },
];
const OF_SQUARES: readonly Step[] = [
  { is: mean },
  { is: square },
  { is: mean },
  { is: square },
  { is: difference },
  { is: difference },
];
const ROOT: readonly Step[] = [
  { is: epsilon, skip: true, optional: true },
  { is: root },
  { is: epsilon, skip: true, optional: true },
  { is: (node) => isEltwise(node, "DIV") },
];

/** The place of the Scale that ends a pattern that starts at `place`. */
function placeOfScale(nodes: readonly BoltNode[], place: number): number | undefined {
  const variance = follow(nodes, place, CENTERED) ?? follow(nodes, place, OF_SQUARES);
  const end = variance === undefined ? undefined : follow(nodes, variance, ROOT);
  const scale = end === undefined ? undefined : afterRetired(nodes, end);
  return scale !== undefined && nodes[scale]?.type === "Scale" ? scale : undefined;
}

function follow(nodes: readonly BoltNode[], from: number, steps: readonly Step[]): number | undefined {
  let place = from;
  for (const { is, optional, skip } of steps) {
    if (skip) place = afterRetired(nodes, place);
    const node = nodes[place];
    if (node !== undefined && is(node)) place++;
    else if (!optional) return undefined;
  }
  return place;
}

function afterRetired(nodes: readonly BoltNode[], from: number): number {
  let place = from;
  while (nodes[place]?.type === RETIRED) place++;
  return place;
}

function isEltwise(node: BoltNode, mode: string): boolean {
  return node.type === "Eltwise" && node.inputs.length === 2 && node.data.parameters.name("mode") === mode;
}

function isPower(node: BoltNode, shift: number, power: number): boolean {
  return (
    node.type === "Power" && node.data.parameters.numbers("scale", "shift", "power").join() === `1,${shift},${power}`
  );
}
