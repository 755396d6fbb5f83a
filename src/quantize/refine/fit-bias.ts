/** What the activation behind a layer keeps: numbers are cut to this range. */
export interface ActivationLimits {
  readonly low: number;
  readonly high: number;
}

const STEPS = 3;

/**
 * A bias for one output: the mean of what is missing, then moved so that what the activation lets through is right on
 * average; the candidate with the least squared error behind the activation. `products` are the outputs without a bias,
 * `targets` the float network's before the activation, `stated` is the bias so far.
 */
export function fitBias(
  products: Float32Array,
  targets: Float32Array,
  stated: number,
  limits: ActivationLimits,
): number {
  let sum = 0;
  for (let index = 0; index < products.length; index++) sum += targets[index]! - products[index]!;
  const mean = products.length === 0 ? stated : sum / products.length;
  const candidates = [mean, stated];
  let moved = mean;
  for (let step = 0; step < STEPS; step++) {
    moved += meanPassed(products, targets, moved, limits);
    candidates.push(moved);
  }
  const errors = candidates.map((bias) => squaredError(products, targets, bias, limits));
  return candidates[errors.indexOf(Math.min(...errors))]!;
}

/** Mean error over the numbers that the activation lets through. */
function meanPassed(
  products: Float32Array,
  targets: Float32Array,
  bias: number,
  { low, high }: ActivationLimits,
): number {
  let [sum, count] = [0, 0];
  for (let index = 0; index < products.length; index++) {
    const value = products[index]! + bias;
    if (value <= low || value >= high) continue;
    sum += Math.min(Math.max(targets[index]!, low), high) - value;
    count++;
  }
  return count === 0 ? 0 : sum / count;
}

function squaredError(
  products: Float32Array,
  targets: Float32Array,
  bias: number,
  { low, high }: ActivationLimits,
): number {
  let sum = 0;
  for (let index = 0; index < products.length; index++) {
    const value = Math.min(Math.max(products[index]! + bias, low), high);
    sum += (Math.min(Math.max(targets[index]!, low), high) - value) ** 2;
  }
  return sum;
}
