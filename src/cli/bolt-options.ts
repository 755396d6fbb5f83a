import { BOLT_VERSIONS, type BoltVersion, isBoltVersion } from "../bolt/version.ts";
import type { BoltPrecision } from "../convert/onnx-to-bolt/index.ts";
import { BoltqError } from "../io/error.ts";

/** End of the output's name, by precision. */
export const PRECISION_SUFFIXES: Readonly<Record<BoltPrecision, string>> = {
  FP32: "_f32.bolt",
  FP16: "_f16.bolt",
  PTQ: "_ptq_input.bolt",
};

/** FP32, FP16 or PTQ in any case; throws `usage` for anything else. */
export function parsePrecision(word: string): BoltPrecision {
  const precision = word.toUpperCase();
  if (precision === "FP32" || precision === "FP16" || precision === "PTQ") return precision;
  throw new BoltqError("usage", `there is no precision "${word}"`, { remedy: "Choose one of FP32, FP16, PTQ" });
}

/** A file version that boltq can write; throws `usage` for anything else. */
export function parseBoltVersion(text: string): BoltVersion {
  const number = Number(text);
  if (isBoltVersion(number)) return number;
  throw new BoltqError("usage", `there is no Bolt file version "${text}"`, {
    remedy: `Choose one of ${BOLT_VERSIONS.join(", ")}`,
  });
}
