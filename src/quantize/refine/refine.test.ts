import { afterAll, expect, it } from "vitest";
import { normalValues } from "../../../test/models/values.ts";
import { loadRuntime } from "../../runtime/load.ts";
import { type Descent, descentOn, plainDescentOn } from "./descent-kernel.ts";
import { fitBias } from "./fit-bias.ts";
import { SHARES } from "./fit-groups.ts";
import { fitLayer } from "./fit-layer.ts";
import { centred, covarianceOf, type LayerSamples, meanByCount } from "./layer-samples.ts";
import { choleskyFactor, inverseFactor } from "./linear-algebra.ts";
import { MatrixProducts } from "./matrix-products.ts";
import { refitWeights } from "./refit-weights.ts";
import { nearestCodes, realOf, roundWeights } from "./round-weights.ts";

const NO_LIMITS = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

/** Inputs that vary together, and what a weight makes of them; the first half has two thirds of them. */
function samplesOf(count: number, inputs: number, outputs: number, weight: Float32Array): LayerSamples {
  const half = (samples: number, seed: number) => {
    const source = normalValues(samples * inputs, seed);
    const x = source.map((value, index) => value + 0.8 * source[index % samples]! + 0.5);
    return { count: samples, x, z: productOf(weight, x, inputs) };
  };
  const first = Math.ceil((2 * count) / 3);
  return { inputs, outputs, halves: [half(first, 3), half(count - first, 4)] };
}

/** left · right, as it is defined. */
function productOf(left: Float32Array, right: Float32Array, inner: number): Float32Array {
  const columns = right.length / inner;
  return Float32Array.from({ length: (left.length / inner) * columns }, (_, index) => {
    const [row, column] = [Math.floor(index / columns), index % columns];
    let sum = 0;
    for (let at = 0; at < inner; at++) sum += left[row * inner + at]! * right[at * columns + column]!;
    return sum;
  });
}

function transposed(matrix: Float32Array, columns: number): Float32Array {
  const rows = matrix.length / columns;
  return matrix.map((_, index) => matrix[(index % rows) * columns + Math.floor(index / rows)]!);
}

/** Squared error of what a weight and biases give for the samples. */
function lossOf({ inputs, halves }: LayerSamples, weight: Float32Array, biases?: ArrayLike<number>): number {
  return halves.reduce((sum, { count, x, z }) => {
    const found = productOf(weight, x, inputs).map((value, at) => value + (biases?.[Math.floor(at / count)] ?? 0));
    return sum + squaredError(found, z);
  }, 0);
}

const opened = loadRuntime().then((runtime) => MatrixProducts.open(runtime));
afterAll(async () => (await opened).close());

async function withProducts<Result>(work: (products: MatrixProducts) => Promise<Result>): Promise<Result> {
  return work(await opened);
}

function squaredError(one: ArrayLike<number>, other: ArrayLike<number>): number {
  return Array.from(one).reduce((sum, value, index) => sum + (value - other[index]!) ** 2, 0);
}

it("takes Cholesky's factor and its inverse, and refuses what is not positive definite", () => {
  const factor = choleskyFactor(Float64Array.of(4, 2, 2, 10), 2)!;
  expect([factor[0], factor[2], factor[3]]).toEqual([2, 1, 3]);
  expect(inverseFactor(factor, 2)).toEqual(Float32Array.of(1 / 2, 0, -1 / 6, 1 / 3));
  expect(choleskyFactor(Float64Array.of(1, 2, 2, 1), 2)).toBeUndefined();
});

it.each([
  ["small", 5, 7, 9],
  ["large", 70, 80, 90],
])("multiplies %s matrices", async (_, rows, inner, columns) => {
  const [left, right] = [normalValues(rows * inner, 1), normalValues(inner * columns, 2)];
  const expected = productOf(left, right, inner);
  await withProducts(async (products) => {
    expect(squaredError(await products.times(left, right, inner), expected)).toBeLessThan(1e-6);
    const turned = transposed(right, columns);
    expect(squaredError(await products.timesTransposed(left, turned, inner), expected)).toBeLessThan(1e-6);
    const square = productOf(left, transposed(left, inner), inner);
    expect(squaredError(await products.timesTransposed(left, left, inner), square)).toBeLessThan(1e-6);
  });
});

it("takes means and covariances over both halves", async () => {
  const samples = samplesOf(30, 4, 3, normalValues(12));
  const about = centred(samples);
  const all = samples.halves.flatMap(({ count, x }) => [...x.subarray(0, count)]);
  const mean = all.reduce((sum, value) => sum + value, 0) / 30;
  expect(about.xMeans[0]).toBeCloseTo(mean, 6);
  await withProducts(async (products) => {
    const parts = [
      await covarianceOf(about.halves[0], about.inputs, products),
      await covarianceOf(about.halves[1], about.inputs, products),
    ] as const;
    const variance = all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 30;
    expect(meanByCount(parts, about.halves)[0]).toBeCloseTo(variance, 5);
    const none = { count: 0, x: new Float32Array(0), z: new Float32Array(0) };
    const alone = meanByCount([parts[0], await covarianceOf(none, 4, products)], [about.halves[0], none]);
    expect(alone[0]).toBeCloseTo(parts[0][0]!, 6);
  });
});

it("finds weights that make the float outputs of other inputs", async () => {
  const target = normalValues(3 * 8, 5);
  const about = centred(samplesOf(400, 8, 3, target));
  await withProducts(async (products) => {
    const parts = [
      await covarianceOf(about.halves[0], about.inputs, products),
      await covarianceOf(about.halves[1], about.inputs, products),
    ] as const;
    const start = target.map((value) => value + 0.3);
    const found = await refitWeights(start, about, parts, products);
    expect(squaredError(found, target)).toBeLessThan(squaredError(start, target) / 100);
    expect(squaredError(await refitWeights(target, about, parts, products), target)).toBeLessThan(1e-8);
  });
});

it("rounds so that errors cancel in the outputs", async () => {
  const weight = normalValues(4 * 12, 7);
  const about = centred(samplesOf(500, 12, 4, weight));
  const scales = [0, 1, 2, 3].map((row) => Math.max(...weight.subarray(12 * row, 12 * row + 12).map(Math.abs)) / 7);
  const rounded = (codes: Int8Array) =>
    Float32Array.from(codes, (code, index) => code * scales[Math.floor(index / 12)]!);
  await withProducts(async (products) => {
    const xx = meanByCount(
      [
        await covarianceOf(about.halves[0], about.inputs, products),
        await covarianceOf(about.halves[1], about.inputs, products),
      ],
      about.halves,
    );
    const options = { scales, qmax: 7, passes: 4, shrinkage: 0 };
    const codes = await roundWeights(weight, 12, xx, options, products);
    const nearest = nearestCodes(weight, 12, scales, 7);
    expect(lossOf(about, rounded(codes))).toBeLessThan(0.7 * lossOf(about, rounded(nearest)));
    expect(Math.max(...codes.map(Math.abs))).toBe(7);
    const alone = Float32Array.from({ length: 144 }, (_, index) => (index % 13 === 0 ? 1 : 0));
    expect(await roundWeights(weight, 12, alone, options, products)).toEqual(nearest);
  });
});

it("descends in vectors as it does in JavaScript", () => {
  const size = 13;
  const source = normalValues(size * size, 9);
  const matrix = productOf(source, transposed(source, size), size);
  matrix.fill(0, 2 * size, 2 * size + 3);
  const run = ({ descend }: Descent) => {
    const [codes, gradient] = [normalValues(size, 1).map((value) => Math.round(9 * value)), normalValues(size, 2)];
    descend(codes, gradient, { scale: 0.1, most: 11, passes: 6 });
    return [...codes];
  };
  expect(run(descentOn(matrix, size))).toEqual(run(plainDescentOn(matrix, size)));
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
      const part = {
        weight,
        bias,
        limits: NO_LIMITS,
        qmax: 127,
        perChannel,
        leastScales,
        shares: [1],
        fitBias: true,
        refit: true,
      };
      const { scales, codes, bias: fitted } = await fitLayer({ ...part, independentSamples: 600 }, samples, products);
      expect(scales.length).toBe(leastScales.length);
      const real = (of: Int8Array) =>
        Float32Array.from(of, (code, index) => code * scales[perChannel ? Math.floor(index / 9) : 0]!);
      const nearest = nearestCodes(weight, 9, scales, 127);
      expect(lossOf(samples, real(codes), fitted)).toBeLessThan(0.8 * lossOf(samples, real(nearest), bias));
    }
  });
});

it("cuts the largest weights where the others gain more by it, with few codes", async () => {
  const weight = normalValues(4 * 64, 12).map((value, index) => (index % 64 === 0 ? 4 : value));
  const samples = samplesOf(600, 64, 4, weight);
  const part = { weight, bias: new Float32Array(4), limits: NO_LIMITS, qmax: 7, fitBias: true, refit: false };
  await withProducts(async (products) => {
    for (const perChannel of [true, false]) {
      const rows = perChannel ? [0, 1, 2, 3] : [0];
      const whole = { ...part, perChannel, leastScales: rows.map(() => 1e-30), independentSamples: 600 };
      const lossWith = async (shares: readonly number[]) => {
        const { scales, codes, bias } = await fitLayer({ ...whole, shares }, samples, products);
        expect(Math.max(...codes.map(Math.abs))).toBe(7);
        return lossOf(samples, realOf(codes, 64, scales), bias);
      };
      expect(await lossWith(SHARES)).toBeLessThan(0.9 * (await lossWith([1])));
    }
  });
});

it("rounds rows to the nearest codes that are too long for covariances", async () => {
  const inputs = 5000;
  const weight = normalValues(2 * inputs, 3);
  const samples = samplesOf(6, inputs, 2, weight);
  const part = { weight, bias: new Float32Array(2), limits: NO_LIMITS, qmax: 127, perChannel: true, refit: true };
  await withProducts(async (products) => {
    const whole = { ...part, leastScales: [1e-30, 1e-30], shares: [1], fitBias: true, independentSamples: 6 };
    const { codes, scales } = await fitLayer(whole, samples, products);
    expect(codes).toEqual(nearestCodes(weight, inputs, scales, 127));
  });
});
