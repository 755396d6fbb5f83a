/** A symmetric matrix by which the codes of rows are improved, one row after the other. */
export interface Descent {
  /**
   * Moves each code in turn to the whole number, up to ±`most`, that makes the error least given all others; `gradient` is error times
   * matrix, and is used up. `passes` times at most. All numbers are float32 ones.
   */
  readonly descend: (codes: Float32Array, gradient: Float32Array, options: DescentOptions) => void;
}

export interface DescentOptions {
  /** What one code is worth. */
  readonly scale: number;
  readonly most: number;
  readonly passes: number;
}

/** What `descent-kernel.wat` exports. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  descend(
    gradient: number,
    codes: number,
    count: number,
    stride: number,
    scale: number,
    most: number,
    passes: number,
  ): void;
}

const FLOAT_BYTES = 4;
const VECTOR_BYTES = 16;
const PAGE_BYTES = 1 << 16;

let compiled: WebAssembly.Module | undefined;

/** In WebAssembly's vector instructions; where these are lacking in JavaScript, with the same numbers. */
export function descentOn(matrix: Float32Array, size: number): Descent {
  const exports = instantiate();
  return exports === undefined ? plainDescentOn(matrix, size) : vectorDescentOn(matrix, size, exports);
}

function instantiate(): Exports | undefined {
  if (compiled === undefined) {
    const code = Uint8Array.from(atob(CODE.join("")), (character) => character.charCodeAt(0));
    if (!WebAssembly.validate(code)) return undefined;
    compiled = new WebAssembly.Module(code);
  }
  return new WebAssembly.Instance(compiled).exports as unknown as Exports;
}

function vectorDescentOn(matrix: Float32Array, size: number, { memory, descend }: Exports): Descent {
  const stride = Math.ceil((size * FLOAT_BYTES) / VECTOR_BYTES) * VECTOR_BYTES;
  const [gradientAt, codesAt] = [size * stride, (size + 1) * stride];
  memory.grow(Math.max(0, Math.ceil((codesAt + stride) / PAGE_BYTES) - memory.buffer.byteLength / PAGE_BYTES));
  for (let row = 0; row < size; row++)
    new Float32Array(memory.buffer, row * stride, size).set(matrix.subarray(row * size, (row + 1) * size));
  const gradients = new Float32Array(memory.buffer, gradientAt, size);
  const kept = new Float32Array(memory.buffer, codesAt, size);
  return {
    descend: (codes, gradient, { scale, most, passes }) => {
      gradients.set(gradient);
      kept.set(codes);
      descend(gradientAt, codesAt, size, stride, scale, most, passes);
      codes.set(kept);
    },
  };
}

/** In plain JavaScript. */
export function plainDescentOn(matrix: Float32Array, size: number): Descent {
  const { fround } = Math;
  return {
    descend: (codes, gradient, { scale, most, passes }) => {
      const unit = fround(scale);
      let moved = true;
      for (let pass = 0; pass < passes && moved; pass++) {
        moved = false;
        for (let index = 0; index < size; index++) {
          const curvature = matrix[index * size + index]!;
          if (!(curvature > 0)) continue;
          const wanted = nearest(fround(codes[index]! - fround(gradient[index]! / fround(curvature * unit))));
          const step = Math.min(Math.max(wanted, -most), most) - codes[index]!;
          if (step === 0) continue;
          moved = true;
          codes[index]! += step;
          const factor = fround(step * unit);
          for (let other = 0; other < size; other++)
            gradient[other] = gradient[other]! + fround(factor * matrix[index * size + other]!);
        }
      }
    },
  };
}

/** Ties to even. */
function nearest(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest === 0.5) return floor % 2 === 0 ? floor : floor + 1;
  return rest < 0.5 ? floor : floor + 1;
}

/** `descent-kernel.wat`, assembled (wabt 1.0.39), in base64. */
const CODE: readonly string[] = [
  "AGFzbQEAAAABCwFgB39/f399fX8AAwIBAAUDAQABBxQCBm1lbW9yeQIAB2Rlc2NlbmQAAArtAQHqAQMEfwN9AXsCQANAIAZBAEwNASAGQQFrIQZB",
  "ACEKQQAhB0EAIQgCQANAIAcgAk8NASAHQQJ0IQkgCCAJaioCACENIA1DAAAAAF4EQCABIAlqKgIAIQsgCyAAIAlqKgIAIA0gBJSVk5AgBYyXIAWW",
  "IAuTIQwgDEMAAAAAXARAQQEhCiABIAlqIAsgDJI4AgAgDCAElP0TIQ5BACEJA0AgACAJaiAAIAlq/QAEACAOIAggCWr9AAQA/eYB/eQB/QsEACAJ",
  "QRBqIQkgCSADSQ0ACwsLIAdBAWohByAIIANqIQgMAAsLIAoNAAsLCw==",
];
