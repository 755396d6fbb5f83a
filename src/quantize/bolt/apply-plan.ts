import { type Label, type Slot, scaleOfStep, scalesOf } from "../../bolt/label.ts";
import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { BoltqError } from "../../io/error.ts";
import { restoreNames } from "../../transform/bolt/keep-names.ts";
import { dropRetired, liveNodes } from "../../transform/bolt/pass.ts";
import { placeTensors } from "../../transform/bolt/place-tensors.ts";
import type { OperatorPlan, Plan, ValuePlan } from "../plan.ts";
import { changeBiases } from "./change-biases.ts";
import { isLabelledFor } from "./plan-bolt.ts";
import type { PreparedBolt } from "./prepare.ts";
import { insertQuantizeLinear } from "./quantize-linear.ts";
import { precisionFor } from "./recipe.ts";
import { type StoreOptions, storeWeights } from "./store-weights.ts";

/**
 * Does to a prepared model what the plan says; it is quantized then, and its weights are converted while it is written.
 * Throws BoltqError `mismatch` when the plan was made for another model.
 */
export async function applyBoltPlan(
  { model, names }: PreparedBolt,
  plan: Plan,
  options: Pick<StoreOptions, "work"> = {},
): Promise<void> {
  const { inference, storage, asBolt } = plan.bolt ?? foreignPlan("it is no plan for a .bolt file");
  const precision = precisionFor(model.version, inference, storage);
  requireSameOperators(model, plan);
  if (isLabelledFor(precision)) {
    const scales = new PlannedScales(plan.values, asBolt);
    liveNodes(model).forEach((node, index) => {
      node.data.scales = scalesOf(slotsOf(node, plan.operators[index]!, scales));
    });
    insertQuantizeLinear(model, (node, input) => scales.read(node, input));
  }
  await placeTensors(model);
  if (precision.rules === "1.5") restoreNames(model, names);
  await changeBiases(model, plan.biases);
  await storeWeights(model, precision, plan.weights, { ...options, asBolt, fromFile: true });
  dropRetired(model);
}

function requireSameOperators(model: BoltModel, { operators }: Plan): void {
  const nodes = liveNodes(model);
  const other = nodes.findIndex(({ name, type }, index) => {
    const planned = operators[index];
    return planned?.name !== name || planned.type !== type;
  });
  if (other >= 0) foreignPlan(`it does not have the operator "${nodes[other]!.name}" (${nodes[other]!.type})`);
  if (operators.length > nodes.length) foreignPlan(`it has an operator "${operators[nodes.length]!.name}" more`);
}

function foreignPlan(problem: string): never {
  throw new BoltqError("mismatch", `the plan was made for another model: ${problem}`, {
    remedy: "Make a plan of this model, with the same -b",
  });
}

/** The planned scales, as Bolt has them, found by operator and tensor. */
class PlannedScales {
  readonly #given: ReadonlyMap<string, number>;
  readonly #asBolt: boolean;

  constructor(values: readonly ValuePlan[], asBolt: boolean) {
    this.#given = new Map(
      values.map((value) => [key(value.operator, value.name, value.made), scaleOfStep(value.scale)]),
    );
    this.#asBolt = asBolt;
  }

  /** Of the tensor that `node` reads as input `index`. */
  read(node: BoltNode, index: number): number | undefined {
    // Bolt puts an output's scale into the slot of the input with the same number.
    const output = this.#asBolt ? node.outputs[index]?.name : undefined;
    const misplaced = output === undefined ? undefined : this.#given.get(key(node.name, output, true));
    return misplaced ?? this.#given.get(key(node.name, node.inputs[index]?.name ?? "", false));
  }

  /** Of output `index`. */
  made(node: BoltNode, index: number): number | undefined {
    const misplaced = this.#asBolt && index < node.inputs.length;
    return misplaced ? undefined : this.#given.get(key(node.name, node.outputs[index]!.name, true));
  }
}

function key(operator: string | undefined, name: string, made: boolean): string {
  return `${made}\n${operator}\n${name}`;
}

/** A label, or a slot for each input and output where the plan has scales for this operator. */
function slotsOf(node: BoltNode, planned: OperatorPlan, scales: PlannedScales): Slot[] {
  if (planned.label === undefined) return [];
  if (planned.static !== true) return [planned.label];
  const missing: Label = planned.label === "float-around" ? "float-around" : "int8-to-float";
  return [
    ...node.inputs.map((_, index) => scales.read(node, index) ?? missing),
    ...node.outputs.map((_, index) => scales.made(node, index) ?? missing),
  ];
}
