import { BoltqError } from "../../io/error.ts";
import { parseJson } from "../../io/json.ts";
import type { Interpolation } from "./resample.ts";

/** What such a file says of pictures, as a preprocessing has it. */
export interface ConfiguredPictures {
  readonly resize: "crop" | "stretch";
  readonly shortSide?: number;
  readonly interpolation: Interpolation;
  /** Of 0..255. */
  readonly mean: readonly number[];
  readonly scale: readonly number[];
}

/** Fields that tell a preprocessor_config.json, as Hugging Face's image processors write it, from a preprocessing of ours. */
const MARKS = /"(?:image_mean|do_normalize|do_rescale|do_resize|image_processor_type|feature_extractor_type)"/;

/** Whether the text is a preprocessor_config.json. */
export function isPreprocessorConfig(json: string): boolean {
  return MARKS.test(json);
}

/** By number, as Pillow has them. */
const RESAMPLINGS: Readonly<Record<number, Interpolation>> = {
  0: "nearest",
  2: "bilinear",
  3: "bicubic",
};

/**
 * What a preprocessor_config.json says of pictures: sizes, cropping, rescaling and normalizing. Throws BoltqError `format` for a field that is not what
 * it should be.
 */
export function parsePreprocessorConfig(json: string, file: string): ConfiguredPictures {
  const config = parseJson(json, file) as Readonly<Record<string, unknown>>;
  const on = (field: string) => config[field] !== false;
  const factor = on("do_rescale") ? (numberIn(config, "rescale_factor", file) ?? 1 / 255) : 1;
  const normalizes = on("do_normalize");
  const means = (normalizes ? numbersIn(config, "image_mean", file) : undefined) ?? [0];
  const deviations = (normalizes ? numbersIn(config, "image_std", file) : undefined) ?? [1];
  const crops = config["do_center_crop"] === true;
  const shortSide = shortSideOf(config["size"]);
  return {
    resize: crops ? "crop" : "stretch",
    ...(crops && shortSide !== undefined ? { shortSide } : {}),
    interpolation: RESAMPLINGS[numberIn(config, "resample", file) ?? 2] ?? "bilinear",
    mean: means.map((mean) => mean / factor),
    scale: deviations.map((deviation) => factor / deviation),
  };
}

/** `224`, `{ shortest_edge: 224 }` or `{ height, width }`. */
function shortSideOf(size: unknown): number | undefined {
  if (typeof size === "number") return size;
  if (typeof size !== "object" || size === null) return undefined;
  const { shortest_edge: edge, height, width } = size as Readonly<Record<string, unknown>>;
  if (typeof edge === "number") return edge;
  return typeof height === "number" && typeof width === "number" ? Math.min(height, width) : undefined;
}

function numberIn(config: Readonly<Record<string, unknown>>, field: string, file: string): number | undefined {
  const value = config[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw wrong(field, "a number", file);
}

function numbersIn(config: Readonly<Record<string, unknown>>, field: string, file: string): number[] | undefined {
  const value = config[field];
  if (value === undefined || value === null) return undefined;
  const numbers = Array.isArray(value) ? value : [value];
  const fits = numbers.every((each) => typeof each === "number" && Number.isFinite(each));
  if (fits && (numbers.length === 1 || numbers.length === 3)) return numbers as number[];
  throw wrong(field, "one number or three", file);
}

function wrong(field: string, expected: string, file: string): BoltqError {
  return new BoltqError("format", `"${field}" is not ${expected}`, {
    file,
    remedy: "Give a preprocessor_config.json as its image processor wrote it, or a preprocessing (docs/data.md)",
  });
}
