import * as v from "valibot";
import { BoltqError } from "../../io/error.ts";
import { fields, finiteNumber, oneOf, parseAs, text } from "../../io/schema.ts";
import { BOLT_IMAGE_FORMATS, type BoltImageFormat } from "./bolt-formats.ts";
import { isPreprocessorConfig, parsePreprocessorConfig } from "./preprocessor-config.ts";
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

const perChannel = v.custom<readonly number[]>(
  (value) => Array.isArray(value) && (value.length === 1 || value.length === 3) && value.every(Number.isFinite),
  "a list of one or three numbers",
);

const FIELDS = fields({
  preset: v.exactOptional(text),
  bolt: v.exactOptional(oneOf(...BOLT_IMAGE_FORMATS)),
  resize: v.exactOptional(oneOf("stretch", "crop", "letterbox")),
  shortSide: v.exactOptional(
    v.custom<number>((value) => Number.isSafeInteger(value) && (value as number) > 0, "a whole number above 0"),
  ),
  interpolation: v.exactOptional(oneOf("bilinear", "bicubic", "linear", "nearest")),
  pad: v.exactOptional(finiteNumber),
  layout: v.exactOptional(oneOf("NCHW", "NHWC")),
  channels: v.exactOptional(oneOf("RGB", "BGR", "GRAY")),
  mean: v.exactOptional(perChannel),
  scale: v.exactOptional(perChannel),
});

/** One line for people: what becomes of a picture. */
export function describePreprocessing(how: Preprocessing): string {
  if (how.bolt !== undefined) return `as Bolt's loader prepares ${how.bolt}`;
  const [least, most] = rangeOfInputs(how);
  return `${RESIZING[how.resize]}, ${how.channels}, (x - ${shown(how.mean)}) * ${shown(how.scale)}: ${least} to ${most}`;
}

const RESIZING = { stretch: "stretched", crop: "middle cut out", letterbox: "whole, with a margin" } as const;

/** What 0 and 255 become, over all channels. */
function rangeOfInputs({ mean, scale }: Preprocessing): [least: string, most: string] {
  const ends = [0, 1, 2].flatMap((channel) =>
    [0, 255].map((value) => (value - (mean[channel] ?? mean[0]!)) * (scale[channel] ?? scale[0]!)),
  );
  return [Math.min(...ends).toPrecision(3), Math.max(...ends).toPrecision(3)];
}

function shown(numbers: readonly number[]): string {
  return numbers.map((value) => Number(value.toPrecision(4))).join(",");
}

/**
 * A preprocessing from JSON: fields left out have the defaults of `preset` ("raw" if none is named). Throws `format`,
 * naming the field.
 */
export function parsePreprocessing(json: string, file: string): Preprocessing {
  const origin = { file, what: "a preprocessing", remedy: "See docs/data.md" };
  if (isPreprocessorConfig(json)) return { ...PLAIN, ...parsePreprocessorConfig(json, file) };
  const { preset: name = "raw", ...stated } = parseAs(FIELDS, json, origin);
  return { ...preset(name, file), ...stated };
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
