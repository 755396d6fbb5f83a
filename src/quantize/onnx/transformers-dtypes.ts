import { BoltqError } from "../../io/error.ts";

/** A word by which transformers.js asks for a precision. */
export type TransformersDtype = "fp16" | "q8" | "int8" | "uint8" | "q4" | "q4f16" | "bnb4";

/** What stands behind such a word. */
export interface DtypeFile {
  /** What the name of the file has behind that of the float model. */
  readonly suffix: string;
  /** Name of the ready-made recipe. */
  readonly recipe: string;
}

/** The files by dtype that transformers.js looks for (DEFAULT_DTYPE_SUFFIX_MAPPING in its utils/dtypes.js). */
export const TRANSFORMERS_DTYPES: Readonly<Record<TransformersDtype, DtypeFile>> = {
  fp16: { suffix: "_fp16", recipe: "float16" },
  q8: { suffix: "_quantized", recipe: "int8-dynamic" },
  int8: { suffix: "_int8", recipe: "int8-dynamic" },
  uint8: { suffix: "_uint8", recipe: "uint8-dynamic" },
  q4: { suffix: "_q4", recipe: "int4-blocks" },
  q4f16: { suffix: "_q4f16", recipe: "q4f16" },
  bnb4: { suffix: "_bnb4", recipe: "nf4" },
};

const NAMES = Object.keys(TRANSFORMERS_DTYPES) as TransformersDtype[];

/** Dtypes from a list with commas, in the order of the table; all without one. Throws `usage`. */
export function parseDtypes(text: string | undefined): TransformersDtype[] {
  if (text === undefined) return NAMES;
  const words = text.split(",").map((word) => word.trim());
  const stranger = words.find((word) => !Object.hasOwn(TRANSFORMERS_DTYPES, word));
  if (stranger === undefined) return NAMES.filter((name) => words.includes(name));
  throw new BoltqError("usage", `transformers.js has no dtype "${stranger}" that can be written`, {
    remedy: `Choose from ${NAMES.join(", ")}`,
  });
}

/** Suffixes of more dtypes, which are not written here, in transformers.js' table. */
const OTHER_SUFFIXES = ["_q2", "_q2f16", "_q1", "_q1f16"];

/** Whether a file's name, without .onnx, says that it is one of a dtype: it was made of another. */
export function isDtypeName(stem: string): boolean {
  return [...NAMES.map((name) => TRANSFORMERS_DTYPES[name].suffix), ...OTHER_SUFFIXES].some((suffix) =>
    stem.endsWith(suffix),
  );
}
