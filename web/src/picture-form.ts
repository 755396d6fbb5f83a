import { BOLT_IMAGE_FORMATS } from "../../src/data/preprocess/bolt-formats.ts";
import { PRESETS, type Preprocessing } from "../../src/data/preprocess/specification.ts";
import type { PictureSettings, Target } from "./job/job.ts";

/** What the form for pictures holds; texts as they were typed, empty where nothing is to be changed. */
export interface PictureForm {
  /** A preset's name, a word of Bolt's -f, or `file`. */
  readonly way: string;
  readonly file: { readonly name: string; readonly preprocessing: Preprocessing } | undefined;
  readonly resize: "" | Preprocessing["resize"];
  readonly channels: "" | Preprocessing["channels"];
  readonly layout: "" | Preprocessing["layout"];
  /** One number or three, with commas between. */
  readonly mean: string;
  readonly scale: string;
  /** Bolt's -m. */
  readonly factor: string;
  /** WIDTHxHEIGHT. */
  readonly size: string;
}

export const DEFAULT_PICTURES: PictureForm = {
  way: "raw",
  file: undefined,
  resize: "",
  channels: "",
  layout: "",
  mean: "",
  scale: "",
  factor: "",
  size: "",
};

const BOLT_WAYS: readonly string[] = BOLT_IMAGE_FORMATS;

/** Ways that can be chosen: Bolt's tool knows its own alone. */
export function waysFor(target: Target, { file }: PictureForm): readonly string[] {
  if (target === "bolt") return BOLT_WAYS;
  return [...(file === undefined ? [] : ["file"]), ...Object.keys(PRESETS), ...BOLT_WAYS];
}

/** The way that is taken for a target; Bolt's default where the chosen one is not Bolt's. */
export function wayFor(target: Target, form: PictureForm): string {
  return waysFor(target, form).includes(form.way) ? form.way : waysFor(target, form)[0]!;
}

export function isBoltWay(way: string): boolean {
  return BOLT_WAYS.includes(way);
}

/** What the form says. A text that is no number is left out; `problemOf` tells of it. */
export function picturesOf(target: Target, form: PictureForm): PictureSettings {
  const way = wayFor(target, form);
  const size = sizeOf(form.size);
  if (isBoltWay(way)) {
    const factor = numbersOf(form.factor)?.[0] ?? 1;
    return {
      preprocessing: { ...PRESETS["raw"]!, bolt: way as NonNullable<Preprocessing["bolt"]>, scale: [factor] },
      words: ["-f", way, "-m", `${factor}`],
      size,
    };
  }
  const base = way === "file" ? form.file!.preprocessing : PRESETS[way]!;
  const changes = changesOf(form);
  return {
    preprocessing: { ...base, ...Object.fromEntries(changes) },
    words: [
      "--preprocess",
      way === "file" ? form.file!.name : way,
      ...changes.flatMap(([field, value]) => [`--${field}`, `${value}`]),
    ],
    size,
  };
}

function changesOf({ resize, channels, layout, mean, scale }: PictureForm): (readonly [string, unknown])[] {
  const changes = { resize, channels, layout, mean: numbersOf(mean), scale: numbersOf(scale) };
  return Object.entries(changes).filter(([, value]) => value !== undefined && value !== "");
}

/** What is wrong with a text of the form; undefined where nothing is. */
export function problemOf(form: PictureForm): string | undefined {
  for (const field of ["mean", "scale", "factor"] as const) {
    if (form[field] !== "" && numbersOf(form[field]) === undefined)
      return `${field}: give one number, or three with commas`;
  }
  if (form.size !== "" && sizeOf(form.size) === undefined) return "size: give WIDTHxHEIGHT, such as 224x224";
  return undefined;
}

function numbersOf(text: string): number[] | undefined {
  const numbers = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  return numbers.every(Number.isFinite) && (numbers.length === 1 || numbers.length === 3) ? numbers : undefined;
}

function sizeOf(text: string): PictureSettings["size"] {
  const [, width, height] = /^\s*(\d+)\s*x\s*(\d+)\s*$/.exec(text) ?? [];
  const size = { width: Number(width), height: Number(height) };
  return size.width > 0 && size.height > 0 ? size : undefined;
}
