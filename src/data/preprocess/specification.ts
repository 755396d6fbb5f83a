import { BoltqError } from "../../io/error.ts";
import { BOLT_IMAGE_FORMATS, type BoltImageFormat } from "./bolt-formats.ts";
import type { Interpolation } from "./resample.ts";

/** How pictures become a network's input; plain JSON. Every field has a default. */
export interface Preprocessing {
  /** Prepare as Bolt's loader does for this word of `-f`, with `scale` as its `-m`; the other fields do not count. */
  readonly bolt?: BoltImageFormat;
  /** `stretch` to the size; `crop`: short side to `shortSide`, then the middle; `letterbox`: whole, with `pad` around. */
  readonly resize: "stretch" | "crop" | "letterbox";
  /** For `crop`; default: the network's own size. */
  readonly shortSide?: number;
  readonly interpolation: Interpolation;
  /** Value around a letterboxed picture, 0..255. */
  readonly pad: number;
  readonly layout: "NCHW" | "NHWC";
  readonly channels: "RGB" | "BGR" | "GRAY";
  /** One for all channels, or one each, in the order of `channels`; taken away from 0..255. */
  readonly mean: readonly number[];
  /** Multiplied after that, one for all or one each. */
  readonly scale: readonly number[];
}

const PLAIN: Preprocessing = {
  resize: "stretch",
  interpolation: "bilinear",
  pad: 0,
  layout: "NCHW",
  channels: "RGB",
  mean: [0],
  scale: [1],
};

const perUnit = (deviations: readonly number[]): number[] => deviations.map((deviation) => 1 / (255 * deviation));
const ofUnit = (means: readonly number[]): number[] => means.map((mean) => 255 * mean);

/** Well-known ways, by name. */
export const PRESETS: Readonly<Record<string, Preprocessing>> = {
  imagenet: {
    ...PLAIN,
    resize: "crop",
    shortSide: 256,
    mean: ofUnit([0.485, 0.456, 0.406]),
    scale: perUnit([0.229, 0.224, 0.225]),
  },
  cifar10: { ...PLAIN, mean: ofUnit([0.485, 0.456, 0.406]), scale: perUnit([0.229, 0.224, 0.225]) },
  mobilenet: { ...PLAIN, mean: [127.5], scale: [1 / 127.5] },
  lite: { ...PLAIN, mean: [127], scale: [1 / 128] },
  caffe: { ...PLAIN, channels: "BGR", mean: [104, 117, 123] },
  paddle: { ...PLAIN, interpolation: "linear", channels: "BGR", mean: [127.5], scale: [1 / 127.5] },
  yolo: { ...PLAIN, resize: "letterbox", interpolation: "linear", channels: "BGR", pad: 114 },
  unit: { ...PLAIN, scale: [1 / 255] },
  raw: PLAIN,
};

type Check = (value: unknown) => boolean;

const oneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    typeof value === "string" && words.includes(value);
const isNumber: Check = (value) => typeof value === "number" && Number.isFinite(value);
const isNumbers: Check = (value) =>
  Array.isArray(value) && (value.length === 1 || value.length === 3) && value.every(isNumber);

/** What each field may hold, and how to say so. */
const FIELDS: Readonly<Record<keyof Preprocessing, readonly [check: Check, wanted: string]>> = {
  bolt: [oneOf(...BOLT_IMAGE_FORMATS), `one of ${BOLT_IMAGE_FORMATS.join(", ")}`],
  resize: [oneOf("stretch", "crop", "letterbox"), "stretch, crop or letterbox"],
  shortSide: [(value) => Number.isInteger(value) && (value as number) > 0, "a whole number above 0"],
  interpolation: [oneOf("bilinear", "bicubic", "linear", "nearest"), "bilinear, bicubic, linear or nearest"],
  pad: [isNumber, "a number"],
  layout: [oneOf("NCHW", "NHWC"), "NCHW or NHWC"],
  channels: [oneOf("RGB", "BGR", "GRAY"), "RGB, BGR or GRAY"],
  mean: [isNumbers, "a list of one or three numbers"],
  scale: [isNumbers, "a list of one or three numbers"],
};

/**
 * A preprocessing from JSON: fields left out have the defaults of `preset` ("raw" if none is named). Throws `format`,
 * naming the field.
 */
export function parsePreprocessing(json: string, file: string): Preprocessing {
  const fields = parseFields(json, file);
  const { preset: name = "raw", ...stated } = fields;
  const base = preset(String(name), file);
  for (const [field, value] of Object.entries(stated)) {
    const known = Object.hasOwn(FIELDS, field) ? FIELDS[field as keyof Preprocessing] : undefined;
    if (known === undefined)
      throw wrong(file, `there is no field "${field}"; known are preset, ${Object.keys(FIELDS).join(", ")}`);
    if (!known[0](value)) throw wrong(file, `"${field}" must be ${known[1]}, not ${JSON.stringify(value)}`);
  }
  return { ...base, ...stated };
}

function parseFields(json: string, file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (cause) {
    throw new BoltqError("format", `the preprocessing is no valid JSON (${(cause as Error).message})`, { file, cause });
  }
  throw wrong(file, "a preprocessing is an object with fields");
}

/** A well-known preprocessing. Throws `usage` for a name that is none. */
export function preset(name: string, file?: string): Preprocessing {
  const known = Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined;
  if (known !== undefined) return known;
  throw new BoltqError("usage", `there is no preprocessing "${name}"`, {
    file,
    remedy: `Choose one of ${Object.keys(PRESETS).join(", ")}, or give a JSON file`,
  });
}

function wrong(file: string, problem: string): BoltqError {
  return new BoltqError("format", problem, { file, remedy: "See docs/data.md" });
}
