import { releaseBuffers } from "./release-memory.ts";

/** Where a file goes. Nothing is visible at the destination until `commit`; `abort` leaves no trace. */
export interface Target {
  /** For messages: the path as the user gave it. */
  readonly name: string;
  /** Appends bytes. They are copied or written before it resolves. */
  write(chunk: Uint8Array): Promise<void>;
  /** Makes the whole output visible at once. */
  commit(): Promise<void>;
  /** Throws away what was written. Safe to call at any time, also twice. */
  abort(): Promise<void>;
}

/** A target in memory. `result()` is the whole output once committed. */
export interface MemoryTarget extends Target {
  /** All that was written. */
  result(): Uint8Array<ArrayBuffer>;
}

/** Collects the output in memory. */
export function memoryTarget(name = "(memory)"): MemoryTarget {
  let chunks: Uint8Array[] = [];
  return {
    name,
    write: async (chunk) => {
      chunks.push(chunk.slice());
    },
    commit: async () => {},
    abort: async () => {
      chunks = [];
    },
    result: () => {
      const whole = concatenate(chunks);
      releaseBuffers(chunks.map(({ buffer }) => buffer as ArrayBuffer));
      chunks = [whole];
      return whole;
    },
  };
}

/** Runs `write` against `target`, then commits; on any failure aborts and rethrows. */
export async function writeWhole(target: Target, write: (target: Target) => Promise<void>): Promise<void> {
  try {
    await write(target);
    await target.commit();
  } catch (error) {
    await target.abort();
    throw error;
  }
}

/** One buffer with all chunks in order. */
export function concatenate(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}
