import type { BoltModel } from "../bolt/model.ts";
import { readModel } from "../convert/model-file.ts";
import type { Converted, ConvertOptions } from "../convert/onnx-to-bolt/index.ts";
import { checkConversion } from "../evaluate/check-conversion.ts";
import { BoltqError } from "../io/error.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { convertToBolt } from "../quantize/bolt/convert-to-bolt.ts";
import { loadRuntime } from "../runtime/load.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { ModelArgument } from "./model-argument.ts";
import { printLines } from "./print.ts";
import { printWarnings } from "./print-warnings.ts";

export interface CheckedConvertOptions extends ConvertOptions {
  /**
   * Run the model and what it was converted to, and refuse where they differ. Default: where ONNX Runtime is installed, the
   * weights are not large, and the two are to be the same at all.
   */
  readonly check?: boolean | undefined;
  /** Print which graph rewrites changed which operators. Default false. */
  readonly explain?: boolean | undefined;
}

/** Bytes of weights above which a model is not run unless asked for. */
const MOST_CHECKED_BYTES = 200_000_000;

/** Converts a model to Bolt as the options say, checks it, and says on stderr what is worth knowing. Throws as `convertToBolt` and `checkConversion` do. */
export async function convertChecked(argument: ModelArgument, options: CheckedConvertOptions): Promise<BoltModel> {
  const { check, explain = false, asBolt = false, removeOperators = 0, ...rest } = options;
  const differs = asBolt || removeOperators > 0;
  if (check === true && differs) {
    throw new BoltqError(
      "usage",
      "a model that is converted with --as-bolt or -r need not compute what its source does",
      {
        remedy: "Leave --check away",
      },
    );
  }
  const { model, notes, warnings } = await convertToBolt(argument.source, {
    ...rest,
    asBolt,
    removeOperators,
    externalData: argument.externalData,
    ...(explain ? { onRewrite: printRewrite } : {}),
    ...(check === false || differs ? {} : { verify: (converted) => verify(argument, converted, options) }),
  });
  for (const text of notes) note(text);
  printWarnings(warnings);
  return model;
}

async function verify(
  { source, externalData }: ModelArgument,
  converted: Converted,
  { check: isWanted = false, inputShapes }: CheckedConvertOptions,
): Promise<void> {
  const original = (await readModel(source, { externalData, inputShapes })) as OnnxModel;
  const bytes = original.main.initializers.reduce((sum, { constant }) => sum + (constant?.data.length ?? 0), 0);
  if (!isWanted && bytes > MOST_CHECKED_BYTES) {
    return note("not checked by running it, as its weights are large; --check does so");
  }
  const runtime = await installedRuntime(isWanted);
  if (runtime === undefined) return note("not checked by running it: ONNX Runtime is not installed");
  const unsure = await checkConversion(original, converted, { runtime });
  if (unsure !== undefined) note(`not checked by running it: ${unsure}`);
}

async function installedRuntime(isWanted: boolean): Promise<Runtime | undefined> {
  try {
    return await loadRuntime();
  } catch (error) {
    if (!isWanted && error instanceof BoltqError && error.code === "runtime-missing") return undefined;
    throw error;
  }
}

function printRewrite(rewrite: string, operators: readonly string[]): void {
  printLines([`${rewrite}: ${operators.length === 0 ? "names and places of tensors" : operators.join(", ")}`]);
}

function note(text: string): void {
  process.stderr.write(`note: ${text}\n`);
}
