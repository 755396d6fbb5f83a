import { NF4_STEPS } from "./nf4-steps.ts";

/** Numbers in one run, of which a scale is shared, are padded to a multiple of this with zeros. */
export const RUN_STEP = 16;

/** Rows that are quantized some at a time. */
export interface Rows {
  readonly rows: number;
  /** Numbers in a row, a multiple of `run`; those behind the row's own are zero. */
  readonly stride: number;
  /** Numbers that share a scale: a multiple of `RUN_STEP`. */
  readonly run: number;
  /** Reads `count` rows from `first` on; the result puts them into a place that holds zeros. */
  readonly load: (first: number, count: number) => Promise<(target: Float32Array) => void>;
}

/** Takes the codes of some rows and their scales: both are good until it returns. */
export type TakeCodes = (codes: Uint8Array, scales: Float32Array, first: number) => void;

/** `max`: the number farthest from zero is kept; `mse`: the least squared error. */
export type ScaleMethod = "max" | "mse";

/** How whole numbers are stored: two around 8 in a byte, the first in the low bits; or one in a byte, as int8 or around 128. */
export type CodeFormat = "nibbles" | "int8" | "uint8";

/** How far beyond the lowest code candidates put the number farthest from zero, in codes: the more codes, the less there is to gain. */
const FEW_CODES = Float32Array.from({ length: 7 }, (_, step) => -1.4 + (3 * step) / 5);
/** Beside the best of the few codes: in blocks of 32 both rounds lose 0.01 dB against all steps of a fifth, in half the time. */
const FINE_STEPS = Float32Array.of(-0.2, 0.2);
const MANY_CODES = Float32Array.of(-1, -0.5, 0, 0.5, 2, 6, 12, 20);

/** Shares of the largest magnitude that candidates for a scale of nf4 take. */
const SHARES = Float32Array.of(1, 0.94, 0.88, 0.82);

/** Numbers that are worked on at a time, unless one row has more. */
const MOST_NUMBERS = 1 << 17;

/** What `run-kernel.wat` exports; all places are bytes of its memory. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  quantize(
    ...all: [
      ...runs: [start: number, end: number, length: number],
      ...search: [middle: number, coarse: number, fine: number, last: number],
      ...results: [scales: number, target: number, packed: number, flip: number],
    ]
  ): void;
  quantizeToSteps(
    ...all: [
      ...runs: [start: number, end: number, length: number],
      ...search: [table: number, coarse: number, last: number],
      ...results: [scales: number, target: number],
    ]
  ): void;
}

/**
 * Finds a scale for each run of some rows and their whole-number codes from −`middle` to `middle` − 1, in WebAssembly's vector instructions. A
 * scale may be negative: the number farthest from zero gets the lowest code, of which there is one more. Gives false where a number is
 * not finite: then scales are NaN.
 */
export function quantizeRuns(
  rows: Rows,
  { middle, method, format }: { middle: number; method: ScaleMethod; format: CodeFormat },
  take: TakeCodes,
): Promise<boolean> {
  const [coarse, fine] = middle <= 8 ? [FEW_CODES, FINE_STEPS] : [MANY_CODES, new Float32Array(0)];
  const last = method === "max" ? 0 : FLOAT_BYTES * (coarse.length + fine.length);
  return work(
    rows,
    format === "nibbles" ? 2 : 1,
    take,
    ({ memory, quantize }, { start, end, length, scales, target }) => {
      const candidates = new Float32Array(memory.buffer, 0, coarse.length + fine.length);
      candidates.set(coarse);
      candidates.set(fine, coarse.length);
      const search = [middle, 0, FLOAT_BYTES * coarse.length, last] as const;
      const [packed, flip] = [format === "nibbles" ? 1 : 0, format === "uint8" ? 0x80 : 0];
      quantize(start, end, length, ...search, scales, target, packed, flip);
    },
  );
}

/** The same with the steps of nf4 for codes, two in a byte, the first in the high bits. */
export function quantizeRunsToNf4(rows: Rows, method: ScaleMethod, take: TakeCodes): Promise<boolean> {
  const last = method === "max" ? 0 : FLOAT_BYTES * SHARES.length;
  return work(rows, 2, take, ({ memory, quantizeToSteps }, { start, end, length, scales, target }) => {
    new Float32Array(memory.buffer, 0, SHARES.length).set(SHARES);
    const table = new Float32Array(memory.buffer, TABLE, 2 * NF4_STEPS.length);
    for (const [place, step] of NF4_STEPS.slice(1).entries()) {
      table[place] = (step + NF4_STEPS[place]!) / 2;
      table[place + NF4_STEPS.length] = step - NF4_STEPS[place]!;
    }
    quantizeToSteps(start, end, length, TABLE, 0, last, scales, target);
  });
}

const FLOAT_BYTES = 4;
const PAGE_BYTES = 1 << 16;

/** In the kernel's memory: candidates, then what nf4 needs, then numbers, their scales and codes. */
const TABLE = 256;
const START = 512;

interface Region {
  readonly start: number;
  readonly end: number;
  readonly length: number;
  readonly scales: number;
  readonly target: number;
}

async function work(
  { rows, stride, run, load }: Rows,
  perByte: 1 | 2,
  take: TakeCodes,
  quantize: (kernel: Exports, region: Region) => void,
): Promise<boolean> {
  const kernel = theKernel();
  const atOnce = Math.max(1, Math.floor(MOST_NUMBERS / stride));
  let areFinite = true;
  for (let first = 0; first < rows; first += atOnce) {
    const count = Math.min(atOnce, rows - first) * stride;
    const fill = await load(first, count / stride);
    // No other may use the kernel's memory from here on.
    const end = START + FLOAT_BYTES * count;
    const target = end + (FLOAT_BYTES * count) / run;
    const missing = target + count / perByte - kernel.memory.buffer.byteLength;
    if (missing > 0) kernel.memory.grow(Math.ceil(missing / PAGE_BYTES));
    const { buffer } = kernel.memory;
    fill(new Float32Array(buffer, START, count).fill(0));
    quantize(kernel, { start: START, end, length: FLOAT_BYTES * run, scales: end, target });
    const scales = new Float32Array(buffer, end, count / run);
    areFinite &&= !scales.some(Number.isNaN);
    take(new Uint8Array(buffer, target, count / perByte), scales, first);
  }
  return areFinite;
}

let kernel: Exports | undefined;

function theKernel(): Exports {
  if (kernel === undefined) {
    const code = Uint8Array.from(atob(CODE.join("")), (character) => character.charCodeAt(0));
    kernel = new WebAssembly.Instance(new WebAssembly.Module(code)).exports as unknown as Exports;
  }
  return kernel;
}

/** `run-kernel.wat`, assembled (wabt 1.0.39), in base64. */
const CODE: readonly string[] = [
  "AGFzbQEAAAABRAhgAXsBfWACf38BfWAGf399f39/AX1gBH97e3sBe2ALf39/fX9/f39/f38AYAN7f3sBe2ACe38Be2AIf39/f39/f38AAwkIAAEC",
  "AwQFBgcFAwEAAQcnAwZtZW1vcnkCAAhxdWFudGl6ZQAED3F1YW50aXplVG9TdGVwcwAHCu8KCBkAIAD9HwAgAP0fAZIgAP0fAiAA/R8DkpILgQEC",
  "BHsCfQNAIAD9AAQAIQIgAyAC/eoBIQMgBCAC/esBIQQgBSACIAL95QH95AEhBSAAQRBqIQAgACABSQ0ACyAD/R8AIAP9HwGWIAP9HwIgA/0fA5aW",
  "IQYgBP0fACAE/R8BlyAE/R8CIAT9HwOXlyEHIAUQACAHIAYgByAGjGAbkgvkAgMBfwh9CnsgACABEAEhByAHjCAClSEIIAeLQwAAgANdBEBDAAAA",
  "AA8LQwAAQEv9EyESIAKM/RMhECACQwAAgD+T/RMhEQJAA0AgAyAFTw0BIAMgBEYEQCAJIQsLIAsgAyoCAJIhDCACIAySIAeVjP0TIQ/9DAAAAAAA",
  "AAAAAAAAAAAAAAAhF/0MAAAAAAAAAAAAAAAAAAAAACEYIAAhBgNAIAb9AAQAIRMgBv0ABBAhFSATIA/95gEgEf3qASAQ/esBIBL95AEgEv3lASEU",
  "IBUgD/3mASAR/eoBIBD96wEgEv3kASAS/eUBIRYgFyATIBT95gEgFSAW/eYB/eQB/eQBIRcgGCAUIBT95gEgFiAW/eYB/eQB/eQBIRggBkEgaiEG",
  "IAYgAUkNAAsgFxAAIQ0gGBAAIQ4gDSANlCAKIA6UXgRAIA0gDpUhCCANIAiUIQogDCEJCyADQQRqIQMMAAsLIAgLLAAgAP0ABAAgAf3mASAD/eoB",
  "IAL96wFDAABAS/0T/eQBQYCAgNoE/RH9sQELhwIDAX8BfQV7IAOM/RMhDiADQwAAgD+T/RMhDyAK/Q8hEAJAA0AgACABTw0BIAAgAmohCyAAIAsg",
  "AyAEIAUgBhACIQwgByAMOAIAIAdBBGohB0MAAAAAQwAAgD8gDJUgDEMAAAAAWxv9EyENA0AgACANIA4gDxADIABBEGogDSAOIA8QA/2FASAAQSBq",
  "IA0gDiAPEAMgAEEwaiANIA4gDxAD/YUB/WUhESAJBEAgEUEI/Q/9biERIBEgEUEE/Y0B/VBB/wH9EP1OIREgCCARIBH9Zv1bAwAAIAhBCGohCAUg",
  "CCARIBD9Uf0LBAAgCEEQaiEICyAAQcAAaiEAIAAgC0kNAAsMAAsLCzcBAX8gAUE8aiEDA0AgAiAAIAH9CQIA/UQgAf0JAkD9Tv3kASECIAFBBGoh",
  "ASABIANJDQALIAILMQIBfwF7IAFBPGohAgNAIAMgACAB/QkCAP1E/bEBIQMgAUEEaiEBIAEgAkkNAAsgAwvJAwMDfwV9B3tDAACAv/0TIRECQANA",
  "IAAgAU8NASAAIAJqIQggACAIEAGLIQsgC0MAAIADXQRAQwAAAAAhCwsgCyEMQwAAAAAhDSAFIAQgC0MAAAAAWxshCgJAA0AgCiAFTw0BQwAAgD8g",
  "CyAKKgIAlJX9EyEQ/QwAAAAAAAAAAAAAAAAAAAAAIRT9DAAAAAAAAAAAAAAAAAAAAAAhFSAAIQkDQCAJ/QAEACESIBIgEP3mASADIBEQBSETIBQg",
  "EiAT/eYB/eQBIRQgFSATIBP95gH95AEhFSAJQRBqIQkgCSAISQ0ACyAUEAAhDiAVEAAhDyAOIA6UIA0gD5ReBEAgDiAPlSEMIA4gDJQhDQsgCkEE",
  "aiEKDAALCyAGIAw4AgAgBkEEaiEGQwAAAABDAACAPyAMlSAMQwAAAABbG/0TIRADQCAA/QAEACAQ/eYBIAMQBiAA/QAEECAQ/eYBIAMQBv2FASAA",
  "/QAEICAQ/eYBIAMQBiAA/QAEMCAQ/eYBIAMQBv2FAf1lIRYgFkEE/YsBIBZBCP2NAf1QQf8B/RD9TiEWIAcgFiAW/Wb9WwMAACAHQQhqIQcgAEHA",
  "AGohACAAIAhJDQALDAALCws=",
];
