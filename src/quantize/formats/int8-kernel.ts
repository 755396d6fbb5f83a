import type { TieRule } from "./int8.ts";

/** How many numbers a kernel takes at a time. */
export const KERNEL_NUMBERS: number = 1 << 16;

const FLOAT_BYTES = 4;

/** Numbers are worked on in vectors of so many. */
const STEP = 16;

/**
 * The two loops over a weight that is quantized to int8, in WebAssembly's vector instructions: eight times as fast as in
 * JavaScript, and the same to the bit. Numbers are put into `room`, float32, at most `KERNEL_NUMBERS`.
 */
export interface Int8Kernel {
  readonly room: Uint8Array;
  /** The greatest of the bits of the magnitudes of the first `count` numbers; above those of infinity for NaN. */
  largestMagnitudeBits(count: number): number;
  /** As `quantizeInt8` for the first `count` numbers; the result is good until the next call. The scale is finite. */
  quantize(count: number, scale: number, ties: TieRule): Uint8Array;
}

/** What `int8-kernel.wat` exports. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  largestMagnitudeBits(start: number, end: number): number;
  quantizeHalfEven(start: number, end: number, target: number, scale: number): void;
  quantizeHalfAway(start: number, end: number, target: number, scale: number): void;
}

let compiled: WebAssembly.Module | undefined;
const idle: Int8Kernel[] = [];

/** Runs `work` with a kernel that nothing else uses meanwhile; undefined where vector instructions are lacking. */
export async function withInt8Kernel<Result>(
  work: (kernel: Int8Kernel | undefined) => Promise<Result>,
): Promise<Result> {
  const kernel = idle.pop() ?? makeKernel();
  try {
    return await work(kernel);
  } finally {
    if (kernel !== undefined) idle.push(kernel);
  }
}

function makeKernel(): Int8Kernel | undefined {
  if (compiled === undefined) {
    const code = Uint8Array.from(atob(CODE.join("")), (character) => character.charCodeAt(0));
    if (!WebAssembly.validate(code)) return undefined;
    compiled = new WebAssembly.Module(code);
  }
  const { memory, ...loops } = new WebAssembly.Instance(compiled).exports as unknown as Exports;
  const target = FLOAT_BYTES * KERNEL_NUMBERS;
  const room = new Uint8Array(memory.buffer, 0, target);
  return {
    room,
    largestMagnitudeBits: (count) => {
      const end = FLOAT_BYTES * Math.ceil(count / STEP) * STEP;
      room.fill(0, FLOAT_BYTES * count, end);
      return loops.largestMagnitudeBits(0, end);
    },
    quantize: (count, scale, ties) => {
      const loop = ties === "half-even" ? loops.quantizeHalfEven : loops.quantizeHalfAway;
      loop(0, FLOAT_BYTES * count, target, scale);
      return new Uint8Array(memory.buffer, target, count);
    },
  };
}

/** `int8-kernel.wat`, assembled (wat2wasm of wabt 1.0.36), in base64. */
const CODE: readonly string[] = [
  "AGFzbQEAAAABDgJgAn9/AX9gBH9/f30AAwQDAAEBBQMBAAYHRwQGbWVtb3J5AgAUbGFyZ2VzdE1hZ25pdHVkZUJpdHMAABBxdWFudGl6ZUhh",
  "bGZFdmVuAAEQcXVhbnRpemVIYWxmQXdheQACCsYFA8UBAQV7/Qz///9/////f////3////9/IQYCQANAIAAgAU8NASACIAYgAP0ABAD9Tv25",
  "ASECIAMgBiAA/QAEEP1O/bkBIQMgBCAGIAD9AAQg/U79uQEhBCAFIAYgAP0ABDD9Tv25ASEFIABBwABqIQAMAAsLIAIgA/25ASAEIAX9uQH9",
  "uQEhAiACIAIgAv0NCAkKCwwNDg8AAQIDBAUGB/25ASECIAIgAiAC/Q0EBQYHAAECAwwNDg8ICQoL/bkBIQIgAv0bAAvTAQEGeyAD/RMhBEMA",
  "AEBL/RMhCQJAA0AgACABTw0BIAD9AAQAIAT95gEhBSAFIAX9QSAFIAn95AEgCf2xAf1OIQUgAP0ABBAgBP3mASEGIAYgBv1BIAYgCf3kASAJ",
  "/bEB/U4hBiAA/QAEICAE/eYBIQcgByAH/UEgByAJ/eQBIAn9sQH9TiEHIAD9AAQwIAT95gEhCCAIIAj9QSAIIAn95AEgCf2xAf1OIQggAiAF",
  "IAb9hQEgByAI/YUB/WX9CwQAIABBwABqIQAgAkEQaiECDAALCwunAgEHeyAD/RMhBEMAAAA//RMhCgJAA0AgACABTw0BIAD9AAQAIAT95gEh",
  "BSAFIAX9af3lASEJIAX9+AEhBSAFIAkgCv1G/bEBIAkgCv3hAf1F/a4BIQUgAP0ABBAgBP3mASEGIAYgBv1p/eUBIQkgBv34ASEGIAYgCSAK",
  "/Ub9sQEgCSAK/eEB/UX9rgEhBiAA/QAEICAE/eYBIQcgByAH/Wn95QEhCSAH/fgBIQcgByAJIAr9Rv2xASAJIAr94QH9Rf2uASEHIAD9AAQw",
  "IAT95gEhCCAIIAj9af3lASEJIAj9+AEhCCAIIAkgCv1G/bEBIAkgCv3hAf1F/a4BIQggAiAFIAb9hQEgByAI/YUB/WX9CwQAIABBwABqIQAg",
  "AkEQaiECDAALCws=",
];
