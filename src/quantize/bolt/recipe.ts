import { type BoltRules, rulesOf } from "../../bolt/rules.ts";
import type { BoltVersion } from "../../bolt/version.ts";
import { BoltqError } from "../../io/error.ts";

/** What the network computes in. `INT8_FP16` and `INT8_FP32` also say what the operators that stay float compute in. */
export type BoltInference = "FP32" | "FP16" | "INT8" | "INT4" | "INT8_FP16" | "INT8_FP32";

/** How weights are stored. `NOQUANT`: in the type they are computed in; `MIX`: int8, those of float operators not. */
export type BoltStorage = "NOQUANT" | "FP32" | "FP16" | "INT8" | "INT4" | "MIX";

/** The words of `-i`. */
export const INFERENCES: readonly BoltInference[] = ["FP32", "FP16", "INT8", "INT4", "INT8_FP16", "INT8_FP32"];
/** The words of `-q`. */
export const STORAGES: readonly BoltStorage[] = ["NOQUANT", "FP32", "FP16", "INT8", "INT4", "MIX"];

/** Inference and storage as the rules of a file's version understand them. */
export interface BoltPrecision {
  readonly rules: BoltRules;
  readonly inference: BoltInference;
  readonly storage: BoltStorage;
  /** What goes in place of `ptq_input.bolt` at the end of the file's name. */
  readonly suffix: string;
}

/** Whether operators are labelled for int8 (or int4) computation. */
export function isQuantizedInference(inference: BoltInference): boolean {
  return inference !== "FP32" && inference !== "FP16";
}

/** What float operators compute in. */
export function computeType(inference: BoltInference): "F32" | "F16" {
  return inference === "FP16" || inference === "INT8_FP16" ? "F16" : "F32";
}

/** A word of `-i`, in any case. Throws `usage`. */
export function parseInference(word: string): BoltInference {
  return oneOf(INFERENCES, word.toUpperCase(), "inference precision (-i)");
}

/** A word of `-q`, in any case. Throws `usage`. */
export function parseStorage(word: string): BoltStorage {
  return oneOf(STORAGES, word.toUpperCase(), "storage (-q)");
}

function oneOf<Word extends string>(words: readonly Word[], word: string, what: string): Word {
  const known = words.find((one) => one === word);
  if (known !== undefined) return known;
  throw new BoltqError("usage", `there is no ${what} "${word}"`, { remedy: `Choose one of ${words.join(", ")}` });
}

/**
 * What the words mean for a file of `version`. Without a storage, Bolt 1.5's own words (INT8, INT4, FP16, FP32) store as
 * they compute, those of 1.3.0 store int8 for what computes in int8; in older files the storage is not quantized. Throws `usage` for what that version cannot store.
 */
export function precisionFor(
  version: BoltVersion,
  inference: BoltInference = "INT8_FP16",
  storage?: BoltStorage,
): BoltPrecision {
  const rules = rulesOf(version);
  return rules === "1.3.0" ? olderPrecision(inference, storage ?? "NOQUANT") : newerPrecision(inference, storage);
}

function olderPrecision(word: BoltInference, storage: BoltStorage): BoltPrecision {
  const inference = word === "INT8" ? "INT8_FP16" : word;
  if (inference === "INT4" || storage === "INT4") {
    throw new BoltqError("usage", "files of version 20220126 have no 4-bit weights", {
      remedy: "Convert the model again with --bolt-version 20220831",
    });
  }
  if (storage === "FP32" && computeType(inference) === "F16") {
    throw new BoltqError("usage", `${inference} computes in float16, and Bolt 1.3.0 reads no float32 weights there`, {
      remedy: "Choose -q FP16 or -q NOQUANT",
    });
  }
  const suffix = inference === "FP32" ? "f32_q.bolt" : inference === "FP16" ? "f16_q.bolt" : "int8_q.bolt";
  return { rules: "1.3.0", inference, storage: storage === "FP32" ? "NOQUANT" : storage, suffix };
}

/**
 * The storage that is taken in files of Bolt 1.5 when none is given. Float weights of int8 operators are quantized by its
 * engine on loading, on x86 together with uninitialised padding: so int8 is stored.
 */
const OWN_STORAGE: Readonly<Record<BoltInference, BoltStorage>> = {
  FP32: "FP32",
  FP16: "FP16",
  INT8: "INT8",
  INT4: "INT4",
  INT8_FP16: "MIX",
  INT8_FP32: "MIX",
};

function newerPrecision(inference: BoltInference, given: BoltStorage | undefined): BoltPrecision {
  const storage = given ?? OWN_STORAGE[inference];
  return { rules: "1.5", inference, storage, suffix: newerSuffix(inference, storage) };
}

function newerSuffix(inference: BoltInference, storage: BoltStorage): string {
  if (inference === "INT4") return "int4_q.bolt";
  if (isQuantizedInference(inference)) return "int8_q.bolt";
  const stem = inference === "FP16" ? "f16" : "f32";
  return storage === "NOQUANT" || storage === inference ? `${stem}.bolt` : `${stem}_q.bolt`;
}
