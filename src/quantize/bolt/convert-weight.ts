import type { BoltDataType } from "../../bolt/data-type.ts";
import { QMAX, scaleOfClip } from "../../bolt/label.ts";
import type { BoltWeight } from "../../bolt/model.ts";
import { type Bytes, chunksOf } from "../../io/bytes.ts";
import type { Encoding } from "../formats/encoding.ts";
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
  const vector = types.vector === "F16" ? plainWork.encoded(record.vector, { kind: "float16" }) : record.vector;
  const { weight: type } = types;
  if (INT8_STORED.has(type)) return { ...record, dataType: type, vector, ...(await int8(record, ties, work)) };
  if (type === "I4") return { ...record, dataType: type, vector, ...(await int4(record, work)) };
  const encoding = PLAIN[type];
  const weight = encoding === undefined ? record.weight : work.encoded(record.weight, encoding);
  return { ...record, dataType: type, vector, weight };
}

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
