import type { Preprocessing } from "../../../src/data/preprocess/specification.ts";
import type { BoltInference, BoltStorage } from "../../../src/quantize/bolt/recipe.ts";
import type { Effort } from "../../../src/quantize/onnx/quantize-onnx.ts";
import type { RuntimeTarget } from "../../../src/quantize/onnx/targets.ts";
import type { Difference } from "../../../src/report/difference.ts";
import type { ReportCard } from "../../../src/report/html/report-data.ts";
import type { ModelSummary } from "../../../src/report/summary.ts";

/** What runs the quantized model. */
export type Target = Exclude<RuntimeTarget, "transformers.js">;

/** A model's file, and those that lie beside it: external data of ONNX, the other half of a Caffe model. */
export interface ModelFiles {
  readonly model: File;
  readonly beside: readonly File[];
}

/** How pictures become inputs, and what the command line calls that. */
export interface PictureSettings {
  readonly preprocessing: Preprocessing;
  /** Of the options that say the same. */
  readonly words: readonly string[];
  /** Where the model leaves it open. */
  readonly size: { readonly width: number; readonly height: number } | undefined;
}

/** How a Bolt file is made: Bolt's -i, -q, -o and --accuracy. */
export interface BoltSettings {
  readonly inference: BoltInference;
  /** undefined: as the inference precision says. */
  readonly storage: BoltStorage | undefined;
  readonly static: boolean;
  readonly best: boolean;
}

/** How an ONNX file is made. */
export interface OnnxSettings {
  /** The name of a ready-made recipe. */
  readonly recipe: string;
  readonly effort: Effort;
}

/** All that can be chosen for a model. */
export interface Settings {
  readonly target: Target;
  readonly onnx: OnnxSettings;
  readonly bolt: BoltSettings;
  readonly pictures: PictureSettings;
}

export interface QuantizeJob {
  readonly kind: "quantize";
  readonly files: ModelFiles;
  readonly examples: readonly File[];
  readonly settings: Settings;
}

export interface PreviewJob {
  readonly kind: "preview";
  readonly files: ModelFiles;
  readonly examples: readonly File[];
  readonly pictures: PictureSettings;
}

export interface InspectJob {
  readonly kind: "inspect";
  readonly files: ModelFiles;
}

export interface DiffJob {
  readonly kind: "diff";
  readonly first: ModelFiles;
  readonly second: ModelFiles;
}

/** What a page asks of a worker; one worker does one job. */
export type Job = QuantizeJob | PreviewJob | InspectJob | DiffJob;

/** A file to be kept by the user. */
export interface MadeFile {
  readonly name: string;
  /** What it is to people. */
  readonly what: "model" | "scale table" | "recipe" | "plan" | "report";
  readonly blob: Blob;
}

/** What the network sees of the first examples. */
export interface Seen {
  /** A PNG of them side by side; undefined where they are no pictures. */
  readonly picture: Blob | undefined;
  /** Least and largest number of the first. */
  readonly range: readonly [number, number];
  readonly examples: number;
}

/** What a worker says, in the order in which it happens. `done` or `failed` is the last. */
export type JobMessage =
  | { readonly kind: "progress"; readonly step: string; readonly done: number; readonly all: number }
  | { readonly kind: "note"; readonly text: string }
  | { readonly kind: "file"; readonly file: MadeFile }
  | { readonly kind: "card"; readonly card: ReportCard }
  | { readonly kind: "seen"; readonly seen: Seen }
  | { readonly kind: "summary"; readonly summary: ModelSummary }
  | { readonly kind: "differences"; readonly differences: readonly Difference[] }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "done" };

/** How a job says what happens. */
export type Say = (message: JobMessage) => void;
