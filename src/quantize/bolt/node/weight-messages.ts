import type { FilePlace } from "../../../io/bytes.ts";
import type { Encoding } from "../../formats/encoding.ts";

/** Work on float32 numbers that lie in an open file. */
export interface WeightRequest {
  readonly place: FilePlace;
  /** Bytes from `place`, a multiple of 4. */
  readonly length: number;
  /** How to encode, and shared memory for the result; without it the largest magnitude is looked for. */
  readonly job?: { readonly encoding: Encoding; readonly room: SharedArrayBuffer };
}

/** The largest magnitude; 0 where that was not asked for. */
export type WeightAnswer = number;
