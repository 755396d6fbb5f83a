import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { fusedMultiplyAdd } from "../../graph/fused-multiply-add.ts";
import { changeType } from "./change-type.ts";
import { onlyReader, RETIRED, retire } from "./pass.ts";

const SMALL = 1e-16;

interface Power {
  readonly scale: number;
  readonly shift: number;
  readonly power: number;
}

function powerOf(node: BoltNode): Power {
  const { parameters } = node.data;
  return { scale: parameters.number("scale"), shift: parameters.number("shift"), power: parameters.number("power") };
}

function near(value: number, wanted: number): boolean {
  return Math.abs(value - wanted) < SMALL;
}

/** Takes out Powers that change nothing and makes one of two in a row (PowerOptimizer). */
export async function simplifyPowers(model: BoltModel): Promise<boolean> {
  const steps = [removeUnit, mergeExponents, mergeLinear, removeUnit, mergeShares, findSquares];
  return steps.map((step) => step(model)).some((changed) => changed);
}

/** Calls `change` for every Power still there; says whether any call changed something. */
function eachPower(model: BoltModel, change: (node: BoltNode, power: Power) => boolean): boolean {
  let changed = false;
  for (const node of model.graph.nodes) if (node.type === "Power" && change(node, powerOf(node))) changed = true;
  return changed;
}

function nextPower(model: BoltModel, node: BoltNode): BoltNode | undefined {
  const next = model.graph.outputs.includes(node.output()) ? undefined : onlyReader(node);
  return next?.type === "Power" ? next : undefined;
}

function removeUnit(model: BoltModel): boolean {
  return eachPower(model, (node, { scale, shift, power }) => {
    if (!near(scale, 1) || !near(shift, 0) || !near(power, 1)) return false;
    retire(model, node, true);
    return true;
  });
}

/** (s x)^p, then ^q: (s x)^(p q). */
function mergeExponents(model: BoltModel): boolean {
  return eachPower(model, (node, { shift, power }) => {
    const next = nextPower(model, node);
    if (shift !== 0 || next === undefined) return false;
    const after = powerOf(next);
    if (after.scale !== 1 || after.shift !== 0) return false;
    node.data.parameters.set("power", power * after.power);
    retire(model, next, true);
    return true;
  });
}

/** Two linear functions in a row. */
function mergeLinear(model: BoltModel): boolean {
  return eachPower(model, (node, { scale, shift, power }) => {
    const next = nextPower(model, node);
    if (!near(power, 1) || next === undefined) return false;
    const after = powerOf(next);
    if (!near(after.power, 1)) return false;
    next.data.parameters.set("scale", after.scale * scale);
    next.data.parameters.set("shift", fusedMultiplyAdd(after.scale, shift, after.shift));
    retire(model, node, true);
    return true;
  });
}

/** a x + (1 - a) x is x. */
function mergeShares(model: BoltModel): boolean {
  return eachPower(model, (node, { scale, shift, power }) => {
    const sum = onlyReader(node);
    if (!near(shift, 0) || !near(power, 1) || sum?.type !== "Eltwise" || sum.inputs.length !== 2) return false;
    if (sum.data.parameters.name("mode") !== "SUM" || sum.data.parameters.number("activation_type") !== 0) return false;
    const other = sum.inputs.find((input) => input !== node.output())?.producer;
    if (other?.type !== "Power" || other.inputs[0] !== node.inputs[0] || onlyReader(other) !== sum) return false;
    const rest = powerOf(other);
    if (!near(rest.shift, 0) || !near(rest.power, 1) || !near(scale + rest.scale, 1)) return false;
    retire(model, node, true);
    retire(model, other, true);
    retire(model, sum, true);
    return true;
  });
}

/** x * x is x^2. */
function findSquares(model: BoltModel): boolean {
  let changed = false;
  for (const node of model.graph.nodes) {
    if (
      node.type === RETIRED ||
      node.type !== "Eltwise" ||
      node.inputs.length !== 2 ||
      node.inputs[0] !== node.inputs[1]
    )
      continue;
    if (node.data.parameters.name("mode") !== "PROD") continue;
    node.setInputs([node.input(0)]);
    changeType(model, node, "Power", { scale: 1, shift: 0, power: 2 });
    changed = true;
  }
  return changed;
}
