import { basename } from "node:path";
import type { Measured } from "./measure-quantized.ts";
import { showBytes, table } from "./print.ts";

/** A file of a set. */
export interface SetFile {
  readonly path: string;
  readonly dtype: string;
  /** With its files of weights. */
  readonly bytes: number;
  /** How many files of weights lie beside it. */
  readonly dataFiles: number;
  /** Undefined without examples, and for the float model. */
  readonly measured?: Measured;
}

/** The files as a table, and what config.json must say of them. */
export function describeSet(files: readonly SetFile[]): string[] {
  const isMeasured = files.some(({ measured }) => measured !== undefined);
  const headings = ["file", "dtype", "size", "smaller", ...(isMeasured ? MEASURED_HEADINGS : [])];
  let float = files[0]?.bytes ?? 0;
  const rows = files.map(({ path, dtype, bytes, measured }) => {
    if (dtype === "fp32") float = bytes;
    const share = `${(float / Math.max(1, bytes)).toFixed(2)}x`;
    return [basename(path), dtype, showBytes(bytes), share, ...(isMeasured ? measuredCells(measured) : [])];
  });
  return [...table(headings, rows), ...configLines(files)];
}

const MEASURED_HEADINGS = ["dB", "cosine", "tokens agree", "ms", "faster"];

function measuredCells(measured: Measured | undefined): string[] {
  if (measured === undefined) return MEASURED_HEADINGS.map(() => "");
  const { decibels, cosine, agreeing, milliseconds } = measured;
  return [
    decibels.toFixed(1),
    cosine.toFixed(5),
    agreeing === undefined ? "" : `${(100 * agreeing).toFixed(1)} %`,
    milliseconds[1].toFixed(2),
    `${(milliseconds[0] / milliseconds[1]).toFixed(2)}x`,
  ];
}

/** transformers.js looks for files of weights only where the model's config.json says how many there are. */
function configLines(files: readonly SetFile[]): string[] {
  const external = files.filter(({ dataFiles, dtype }) => dataFiles > 0 && dtype !== "fp32");
  if (external.length === 0) return [];
  const counts = Object.fromEntries(external.map(({ path, dataFiles }) => [basename(path), dataFiles]));
  const config = { "transformers.js_config": { use_external_data_format: counts } };
  return ["", "config.json must say:", ...JSON.stringify(config, null, 2).split("\n").slice(1, -1)];
}
