import { ptqInputName, quantizedOnnxName, stemOf } from "./job/file-name.ts";
import type { BoltSettings, Settings } from "./job/job.ts";

/** Where the command line finds the examples: the browser does not tell where they lie. */
const EXAMPLES_FOLDER = "EXAMPLES";

/** The command that makes the same of a model; `withExamples`: there are some. */
export function commandOf(model: string, settings: Settings, withExamples: boolean): string {
  return settings.target === "bolt"
    ? boltCommand(model, settings, withExamples)
    : onnxCommand(model, settings, withExamples);
}

function onnxCommand(model: string, { target, onnx, pictures }: Settings, withExamples: boolean): string {
  const { size } = pictures;
  return words([
    ...["boltq", "quantize", model],
    ...(withExamples ? ["--data", EXAMPLES_FOLDER, ...pictures.words] : []),
    ...(withExamples && size !== undefined ? ["--size", `${size.width}x${size.height}`] : []),
    ...["--recipe", onnx.recipe, "--for", target],
    ...(withExamples ? ["--effort", onnx.effort] : []),
    ...["-o", quantizedOnnxName(model, onnx.recipe)],
  ]);
}

function boltCommand(model: string, { bolt, pictures }: Settings, withExamples: boolean): string {
  const convert = words(["X2bolt", "-d", ".", "-m", stemOf(model), "-i", "PTQ"]);
  const quantize = words([
    ...["post_training_quantization", "-p", model.endsWith(".bolt") ? model : ptqInputName(model)],
    ...["-i", bolt.inference],
    ...(bolt.storage === undefined ? [] : ["-q", bolt.storage]),
    ...(withExamples && usesExamples(bolt) ? ["-d", EXAMPLES_FOLDER, ...pictures.words] : []),
    ...(bolt.static ? ["-o", "true"] : []),
    ...(bolt.best ? ["--accuracy", "best"] : []),
  ]);
  return model.endsWith(".bolt") ? quantize : `${convert}\n${quantize}`;
}

/** Whether examples change the file that is made. */
function usesExamples(bolt: BoltSettings): boolean {
  return bolt.static || bolt.best;
}

/** As a shell takes them. */
function words(list: readonly string[]): string {
  return list.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
}
