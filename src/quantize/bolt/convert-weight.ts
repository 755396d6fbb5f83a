import type { BoltDataType } from "../../bolt/data-type.ts";
import { QMAX, scaleOfClip, scaleOfStep } from "../../bolt/label.ts";
import type { BoltWeight } from "../../bolt/model.ts";
import { type Bytes, chunksOf, memoryBytes } from "../../io/bytes.ts";
import { BoltqError } from "../../io/error.ts";
import type { Encoding } from "../formats/encoding.ts";
import { packInt4 } from "../formats/int4.ts";
import { largestInt8Error, type TieRule } from "../formats/int8.ts";
import type { RecordTypes } from "./storage.ts";
import { floatView, plainWork, type WeightWork } from "./weight-work.ts";

const INT8_STORED = new Set<BoltDataType>(["I8", "F32_8Q", "F16_8Q"]);

/** How float32 numbers are written in the types that need no scale. */
const PLAIN: Partial<Record<BoltDataType, Encoding>> = {
  F16: { kind: "float16" },
  I32: { kind: "int32" },
  U32: { kind: "uint32" },
  I64: { kind: "int64" },
};

/** Stores a float32 record in these types. The weight is converted piece by piece when it is read. */
export async function convertWeight(
  record: BoltWeight,
  types: RecordTypes,
  ties: TieRule,
  work: WeightWork = plainWork,
): Promise<BoltWeight> {
  const vector = vectorFor(record, types);
  const { weight: type } = types;
  if (INT8_STORED.has(type)) return { ...record, dataType: type, vector, ...(await int8(record, ties, work)) };
  if (type === "I4") return { ...record, dataType: type, vector, ...(await int4(record, work)) };
  const encoding = PLAIN[type];
  const weight = encoding === undefined ? record.weight : work.encoded(record.weight, encoding);
  return { ...record, dataType: type, vector, weight };
}

function vectorFor({ vector }: BoltWeight, types: RecordTypes): Bytes {
  return types.vector === "F16" ? plainWork.encoded(vector, { kind: "float16" }) : vector;
}

/** Stores a float32 record with these codes, each worth `step`. Throws BoltqError `mismatch` for codes that do not fit. */
export function storeCodes(record: BoltWeight, types: RecordTypes, codes: Int8Array, step: number): BoltWeight {
  const four = types.weight === "I4";
  const most = four ? QMAX.int4 : QMAX.int8;
  const fit = (four || INT8_STORED.has(types.weight)) && codes.every((code) => Math.abs(code) <= most);
  if (!fit || record.dataType !== "F32" || record.weight.length !== FLOAT_BYTES * codes.length) {
    throw new BoltqError("mismatch", "the plan's codes are not those of this weight", {
      subject: `weight of "${record.operator}"`,
      remedy: "Make a plan of this model",
    });
  }
  const bytes = four ? packInt4(codes) : new Uint8Array(codes.buffer, codes.byteOffset, codes.length);
  const scales = [Float32Array.of(scaleOfStep(step))];
  return { ...record, dataType: types.weight, vector: vectorFor(record, types), weight: memoryBytes(bytes), scales };
}

const FLOAT_BYTES = 4;

type Quantized = Pick<BoltWeight, "weight" | "scales">;

async function int8({ weight, scales }: BoltWeight, ties: TieRule, work: WeightWork): Promise<Quantized> {
  const own = scaleOfClip(await work.largestMagnitude(weight));
  const scale = Math.max(own, givenScale(scales));
  const encoding: Encoding = { kind: "int8", scale, ties, clamp: scale > own };
  return { weight: work.encoded(weight, encoding), scales: [Float32Array.of(scale)] };
}

async function int4({ weight, scales }: BoltWeight, work: WeightWork): Promise<Quantized> {
  const largest = await work.largestMagnitude(weight);
  const scale = Math.max(scaleOfClip(largest, QMAX.int4), givenScale(scales));
  return { weight: work.encoded(weight, { kind: "int4", largest }), scales: [Float32Array.of(scale)] };
}

/** The scale that a record has already wins where it is greater; it has none in files of X2bolt. */
function givenScale(scales: readonly Float32Array[]): number {
  return scales[0]?.[0] ?? -1;
}

/** Largest error that int8 storage would bring to a weight. */
export async function int8StorageError(record: BoltWeight, ties: TieRule): Promise<number> {
  const scale = scaleOfClip(await plainWork.largestMagnitude(record.weight));
  let largest = 0;
  for await (const chunk of chunksOf(record.weight))
    largest = Math.max(largest, largestInt8Error(floatView(chunk), scale, ties));
  return largest;
}

/** A weight cut to ±`limit`. */
export function clippedWeight(record: BoltWeight, limit: number): Bytes {
  return plainWork.encoded(record.weight, { kind: "clipped", limit });
}
