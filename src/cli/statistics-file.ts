import type { Observations } from "../calibrate/observations.ts";
import { parseObservations } from "../calibrate/observations-file.ts";
import type { Origin } from "../calibrate/origin.ts";
import type { Collected } from "../calibrate/statistics.ts";
import { fingerprintOf } from "../io/node/fingerprint.ts";
import type { CommandFiles } from "./command-files.ts";
import { type DataOptions, preprocessingOf } from "./data-options.ts";
import { readText } from "./read-text.ts";

/** Reads the statistics of `model`; warns on stderr when they were made of another file. */
export async function readStatistics(file: string, model: string, files: CommandFiles): Promise<Observations> {
  const observations = parseObservations(readText(file), file);
  const { origin } = observations;
  if (origin !== undefined && origin.model !== (await fingerprintOf(files.partsOf(model)))) {
    process.stderr.write(
      `warning: ${file} was made of another model file than ${model}: its ranges fit only if the weights are the same\n`,
    );
  }
  return observations;
}

/** What statistics of `model` are made of with these options. */
export async function originOf(
  model: string,
  { shard, size, offset = 0, limit, ...options }: Partial<DataOptions>,
  collect: Collected,
  files: CommandFiles,
): Promise<Origin> {
  const settings = {
    ...preprocessingOf(options, model),
    size: size === undefined ? "as the model takes" : `${size.width}x${size.height}`,
    offset,
    limit: limit ?? "none",
    collect,
  };
  return {
    model: await fingerprintOf(files.partsOf(model)),
    settings: Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, `${value}`])),
    shard,
  };
}
