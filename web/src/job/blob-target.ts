import { concatenate, type Target } from "../../../src/io/target.ts";

/** A target whose output becomes a Blob, which the browser need not keep in memory. */
export interface BlobTarget extends Target {
  /** All that was written. */
  result(): Blob;
}

/** What is gathered before it is handed to the browser. */
const PIECE_BYTES = 1 << 24;

/** Collects the output in Blobs of some megabytes each. */
export function blobTarget(name: string): BlobTarget {
  let blobs: Blob[] = [];
  let chunks: Uint8Array[] = [];
  let waiting = 0;
  const hand = () => {
    if (waiting > 0) blobs.push(new Blob([concatenate(chunks)]));
    chunks = [];
    waiting = 0;
  };
  return {
    name,
    write: async (chunk) => {
      chunks.push(chunk.slice());
      waiting += chunk.length;
      if (waiting >= PIECE_BYTES) hand();
    },
    commit: async () => hand(),
    abort: async () => {
      blobs = [];
      chunks = [];
      waiting = 0;
    },
    result: () => new Blob(blobs),
  };
}
