import { afterAll, expect, it } from "vitest";
import { normalValues } from "../../../test/models/values.ts";
import { loadRuntime } from "../../runtime/load.ts";
import { fitBias } from "./fit-bias.ts";
import { fitLayer } from "./fit-layer.ts";
import { centred, halfOf, joinMoments, type LayerSamples, momentsOf, outputsOf } from "./layer-samples.ts";
import { choleskyFactor, solveFactored } from "./linear-algebra.ts";
import { MatrixProducts } from "./matrix-products.ts";
import { refitWeights } from "./refit-weights.ts";
import { roundWeights } from "./round-weights.ts";

const NO_LIMITS = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

/** Inputs that vary together, and what a weight makes of them. */
function samplesOf(count: number, inputs: number, outputs: number, weight: Float32Array): LayerSamples {
  const source = normalValues(count * inputs, 3);
  const x = source.map((value, index) => value + 0.8 * source[index - (index % inputs)]! + 0.5);
  const z = new Float32Array(count * outputs);
  for (let sample = 0; sample < count; sample++) {
    for (let output = 0; output < outputs; output++) {
      for (let input = 0; input < inputs; input++)
        z[sample * outputs + output]! += weight[output * inputs + input]! * x[sample * inputs + input]!;
    }
  }
  return { count, inputs, outputs, x, z };
}

const opened = loadRuntime().then((runtime) => MatrixProducts.open(runtime));
afterAll(async () => (await opened).close());

async function withProducts<Result>(work: (products: MatrixProducts) => Promise<Result>): Promise<Result> {
  return work(await opened);
}

function squaredError(one: ArrayLike<number>, other: ArrayLike<number>): number {
  return Array.from(one).reduce((sum, value, index) => sum + (value - other[index]!) ** 2, 0);
}

it("solves by Cholesky's factor, and refuses what is not positive definite", () => {
  const factor = choleskyFactor(Float64Array.of(4, 2, 2, 10), 2)!;
  const vector = Float64Array.of(10, 23);
  solveFactored(factor, 2, vector);
  expect([...vector]).toEqual([1.5, 2]);
  expect(choleskyFactor(Float64Array.of(1, 2, 2, 1), 2)).toBeUndefined();
});

it("multiplies matrices in ONNX Runtime as it does by itself", async () => {
  const samples = samplesOf(1200, 32, 40, normalValues(32 * 40));
  const small = { ...samples, count: 10, x: samples.x.slice(0, 320), z: samples.z.slice(0, 400) };
  await withProducts(async (products) => {
    const weight = normalValues(32 * 40);
    const found = await outputsOf(samples, weight, products);
    expect(squaredError(found, samples.z) / found.length).toBeLessThan(1e-8);
    expect(squaredError(await outputsOf(small, weight, products), small.z)).toBeLessThan(1e-6);
    const about = centred(samples);
    const [one, other] = [await momentsOf(halfOf(about, 0), products), await momentsOf(halfOf(about, 1), products)];
    const [whole, joined] = [await momentsOf(about, products), joinMoments(one, other)];
    expect(squaredError(whole.xx, joined.xx)).toBeLessThan(1e-6);
    expect(squaredError(whole.zx, joined.zx)).toBeLessThan(1e-3);
  });
});

it("finds weights that make the float outputs of other inputs", async () => {
  const target = normalValues(3 * 8, 5);
  const samples = samplesOf(400, 8, 3, target);
  await withProducts(async (products) => {
    const about = centred(samples);
    const halves = [await momentsOf(halfOf(about, 0), products), await momentsOf(halfOf(about, 1), products)] as const;
    const start = target.map((value) => value + 0.3);
    const found = refitWeights(start, 8, halves, joinMoments(...halves));
    expect(squaredError(found, target)).toBeLessThan(squaredError(start, target) / 100);
    expect(refitWeights(target, 8, halves, joinMoments(...halves))).toEqual(target);
  });
});

it("rounds so that errors cancel in the outputs", async () => {
  const weight = normalValues(4 * 12, 7);
  const samples = samplesOf(500, 12, 4, weight);
  const scales = [0, 1, 2, 3].map((row) => Math.max(...weight.subarray(12 * row, 12 * row + 12).map(Math.abs)) / 7);
  await withProducts(async (products) => {
    const { xx } = await momentsOf(centred(samples), products);
    const options = { scales, qmax: 7, passes: 4, shrinkage: 0 };
    const codes = roundWeights(weight, 12, xx, options);
    const nearest = weight.map((value, index) => Math.round(value / scales[Math.floor(index / 12)]!));
    const errorOf = async (of: ArrayLike<number>) => {
      const about = centred(samples);
      const rounded = Float32Array.from(of, (code, index) => code * scales[Math.floor(index / 12)]!);
      return squaredError(await outputsOf(about, rounded, products), about.z);
    };
    expect(await errorOf(codes)).toBeLessThan(0.7 * (await errorOf(nearest)));
    expect(Math.max(...codes.map(Math.abs))).toBe(7);
    const alone = Float64Array.from({ length: 144 }, (_, index) => (index % 13 === 0 ? 1 : 0));
    expect([...roundWeights(weight, 12, alone, options)]).toEqual([...nearest].map((code) => code + 0));
  });
});

it("fits a bias behind the activation", () => {
  const products = Float32Array.of(-5, -4, 1, 2, 3);
  const targets = Float32Array.of(-9, -8, 1.5, 2.5, 3.5);
  expect(fitBias(products, targets, 0, NO_LIMITS)).toBeCloseTo(-1.3, 6);
  expect(fitBias(products, targets, 0, { low: 0, high: Number.POSITIVE_INFINITY })).toBeCloseTo(0.5, 3);
  expect(fitBias(new Float32Array(0), new Float32Array(0), 0.25, NO_LIMITS)).toBe(0.25);
});

it("fits a layer: fewer errors than nearest codes have, with one scale or many", async () => {
  const weight = normalValues(6 * 9, 11).map((value, index) => value * (index < 9 ? 10 : 1));
  const samples = samplesOf(600, 9, 6, weight);
  const bias = new Float32Array(6);
  await withProducts(async (products) => {
    for (const perChannel of [true, false]) {
      const leastScales = new Array<number>(perChannel ? 6 : 1).fill(1e-30);
      const part = { weight, bias, limits: NO_LIMITS, qmax: 127, perChannel, leastScales, fitBias: true, refit: true };
      const fitted = await fitLayer({ ...part, independentSamples: 600 }, samples, products);
      expect(fitted.scales.length).toBe(leastScales.length);
      const scaleOf = (row: number) => fitted.scales[perChannel ? row : 0]!;
      const outputs = async (codes: ArrayLike<number>, biases: ArrayLike<number>) => {
        const rounded = Float32Array.from(codes, (code, index) => code * scaleOf(Math.floor(index / 9)));
        const found = await outputsOf(samples, rounded, products);
        return squaredError(
          found.map((value, index) => value + biases[index % 6]!),
          samples.z,
        );
      };
      const nearest = weight.map((value, index) => Math.round(value / scaleOf(Math.floor(index / 9))));
      expect(await outputs(fitted.codes, fitted.bias)).toBeLessThan(0.7 * (await outputs(nearest, bias)));
    }
  });
});
