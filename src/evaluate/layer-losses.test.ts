import { beforeAll, describe, expect, it } from "vitest";
import { directRuntime } from "../../test/models/direct-runtime.ts";
import { normalPictures } from "../../test/models/networks.ts";
import { type OnnxOperator, onnxModel } from "../../test/models/onnx-model.ts";
import { normalValues } from "../../test/models/values.ts";
import { elementCount, type Tensor } from "../graph/tensor.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { floatTensor } from "../onnx/tensor-data.ts";
import { applyPlan } from "../quantize/onnx/apply-plan.ts";
import { prepareForQuantization } from "../quantize/onnx/prepare.ts";
import { quantizeOnnx } from "../quantize/onnx/quantize-onnx.ts";
import type { BiasPlan, Plan, ValuePlan, WeightPlan } from "../quantize/plan.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { compareModels } from "./compare.ts";
import type { OperatorLoss } from "./compare-inside.ts";
import type { LossReason } from "./loss-reasons.ts";

const CHANNELS = 16;

/** A stem, two residual blocks, a classifier; the numbers stay of one size through it. */
function residualNetwork(seed: number): OnnxModel {
  const constants: Record<string, Tensor> = {};
  const operators: OnnxOperator[] = [];
  const weight = (name: string, shape: readonly number[]) => {
    const values = normalValues(elementCount(shape), 100 * seed + operators.length);
    constants[name] = floatTensor(
      shape,
      values.map((value) => (1.4 * value) / Math.sqrt(elementCount(shape.slice(1)))),
    );
  };
  const convolve = (input: string, name: string, channels: number) => {
    weight(`${name}/w`, [CHANNELS, channels, 3, 3]);
    constants[`${name}/b`] = floatTensor(
      [CHANNELS],
      normalValues(CHANNELS, seed + operators.length).map((value) => value / 5),
    );
    operators.push(["Conv", [input, `${name}/w`, `${name}/b`], name, { pads: [1, 1, 1, 1] }]);
    return name;
  };
  const rectify = (input: string) => {
    operators.push(["Relu", [input], `${input}/relu`]);
    return `${input}/relu`;
  };
  let x = rectify(convolve("x", "stem", 3));
  for (const block of ["one", "two"]) {
    const inner = convolve(rectify(convolve(x, `${block}/a`, CHANNELS)), `${block}/b`, CHANNELS);
    operators.push(["Add", [x, inner], `${block}/sum`]);
    x = rectify(`${block}/sum`);
  }
  weight("classes/w", [10, CHANNELS]);
  operators.push(["GlobalAveragePool", [x], "pooled"], ["Flatten", ["pooled"], "flat"]);
  operators.push(["Gemm", ["flat", "classes/w"], "y", { transB: 1 }]);
  return onnxModel({ inputs: { x: [1, 3, 8, 8] }, constants, operators, outputs: ["y"] });
}

/** Ways to make one operator worse, and the reason that must be found. */
const DAMAGES: Readonly<Record<string, { readonly reasons: readonly LossReason[]; readonly damage: Damage }>> = {
  "coarse output": { reasons: ["coarse", "shared scale"], damage: { value: (plan) => scaled(plan, 8) } },
  "clipped output": { reasons: ["clipped"], damage: { value: (plan) => scaled(plan, 1 / 3) } },
  "a range that no example reached": {
    reasons: ["data never reached it"],
    damage: { value: (plan) => scaled(plan, 1 / 30) },
  },
  "coarse weights": {
    reasons: ["rounding of weights"],
    damage: { weight: (plan) => rescaled(plan, 8), bias: (plan) => recoded(plan, 8) },
  },
  "one scale": {
    reasons: ["one scale for all channels", "dead channel"],
    damage: { weight: (plan) => ({ ...plan, scales: [8 * Math.max(...plan.scales)] }), bias: oneScale },
  },
};

interface Damage {
  readonly value?: (plan: ValuePlan) => ValuePlan;
  readonly weight?: (plan: WeightPlan) => WeightPlan;
  readonly bias?: (plan: BiasPlan) => BiasPlan;
}

const scaled = (plan: ValuePlan, factor: number): ValuePlan => ({ ...plan, scale: Math.fround(plan.scale * factor) });
const rescaled = (plan: WeightPlan, factor: number): WeightPlan => ({
  ...plan,
  scales: plan.scales.map((scale) => Math.fround(scale * factor)),
});
const recoded = (plan: BiasPlan, factor: number): BiasPlan => ({
  ...plan,
  scales: plan.scales.map((scale) => Math.fround(scale * factor)),
  codes: plan.codes.map((code) => Math.round(code / factor)),
});

function oneScale(plan: BiasPlan): BiasPlan {
  const scale = Math.fround(8 * Math.max(...plan.scales));
  return {
    ...plan,
    scales: [scale],
    codes: plan.codes.map((code, place) => Math.round((code * plan.scales[place]!) / scale)),
  };
}

describe("where a quantized model loses", () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await directRuntime();
  });

  const planOf = async (seed: number): Promise<Plan> => {
    const recipe = { floatStem: false };
    const options = { recipe, runtime, dataset: normalPictures(32), effort: "fast", planOnly: true } as const;
    return (await quantizeOnnx(residualNetwork(seed), options)).plan;
  };

  const losses = async (seed: number, plan: Plan): Promise<readonly OperatorLoss[]> => {
    const quantized = residualNetwork(seed);
    await prepareForQuantization(quantized);
    applyPlan(quantized, plan);
    const compared = await compareModels(residualNetwork(seed), quantized, normalPictures(3, 500).samples(), {
      layers: true,
      timedSamples: 0,
      runtime,
    });
    expect(compared.inner!.paired).toBe(compared.inner!.operators);
    return compared.inner!.losses;
  };

  it("names the operator that was made worse first, and why", async () => {
    const tries = Object.entries(DAMAGES).flatMap(([kind, how]) =>
      [1, 2, 3, 4].map((seed) => ({ kind, seed, ...how })),
    );
    const found = await Promise.all(
      tries.map(async ({ kind, seed, reasons, damage }) => {
        const plan = await planOf(seed);
        const made = plan.values.filter((value) => value.made);
        const place = (7 * seed + kind.length) % (damage.value === undefined ? plan.weights.length : made.length);
        const target = damage.value === undefined ? plan.weights[place]!.operator : made[place]!.name;
        const [first] = await losses(seed, damaged(plan, target, damage));
        const named = first?.operator === target || `${first?.operator}/relu` === target;
        return { named, explained: named && reasons.includes(first!.reason) };
      }),
    );
    expect(found).toHaveLength(20);
    expect(found.filter(({ named }) => named).length).toBeGreaterThanOrEqual(18);
    expect(found.filter(({ explained }) => explained).length).toBeGreaterThanOrEqual(18);
  });

  it("tells an operator's own error from what it is given", async () => {
    const plan = await planOf(1);
    const found = await losses(1, damaged(plan, "stem", DAMAGES["coarse weights"]!.damage));
    const behind = found.find(({ operator }) => operator === "one/a")!;
    expect(behind.local).toBeGreaterThan(behind.accumulated + 10);
    expect(found[0]).toMatchObject({ operator: "stem", remedy: expect.stringContaining("--effort default") });
    expect(found[0]!.local).toBeCloseTo(found[0]!.accumulated, 1);
  });
});

function damaged(plan: Plan, target: string, { value, weight, bias }: Damage): Plan {
  return {
    ...plan,
    values: plan.values.map((each) => (value !== undefined && each.name === target ? value(each) : each)),
    weights: plan.weights.map((each) => (weight !== undefined && each.operator === target ? weight(each) : each)),
    biases: plan.biases.map((each) =>
      bias !== undefined && each.type === "int32" && each.operator === target ? bias(each) : each,
    ),
  };
}
