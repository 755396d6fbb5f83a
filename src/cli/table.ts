import type { Command } from "commander";
import { BoltqError } from "../io/error.ts";
import { writeWhole } from "../io/target.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { convertOnnxToBolt } from "../quantize/bolt/convert-to-bolt.ts";
import { prepareBolt } from "../quantize/bolt/prepare.ts";
import { type LayerClips, printScaleTable } from "../quantize/scale-table.ts";
import { tableOfTraining, withBoltNames } from "../quantize/table-of-training.ts";
import { CommandFiles } from "./command-files.ts";
import { openModel } from "./model-argument.ts";
import { writeModelFile } from "./model-output.ts";
import { outputNamed } from "./output-argument.ts";
import { printLines } from "./print.ts";

interface Options {
  readonly fromQdq: string;
  readonly output: string;
  readonly float?: string;
  readonly onnxNames?: boolean;
}

export function define(command: Command): void {
  command
    .requiredOption(
      "--from-qdq <model.onnx>",
      "a model of quantization-aware training: with QuantizeLinear and DequantizeLinear, or Quant",
    )
    .requiredOption("-o, --output <table.json>", "the clip values as a scale table")
    .option("--float <model.onnx>", "write the model without the simulated quantization, to be converted and quantized")
    .option("--onnx-names", "name tensors as the ONNX model does, for boltq quantize (default: as X2bolt does, for -s)")
    .action(makeTable);
}

async function makeTable({ fromQdq: path, output, float, onnxNames }: Options): Promise<void> {
  const floatOutput = float === undefined ? undefined : outputNamed(float, ".onnx");
  const tableOutput = outputNamed(output, ".json");
  const files = new CommandFiles({ reads: [path], writes: [tableOutput, floatOutput] });
  const model = await openModel(path, files);
  if (model.format !== "onnx") {
    throw new BoltqError("usage", "a .bolt model holds no simulated quantization", { file: path });
  }
  const layers = await tableOfTraining(model, { all: onnxNames ?? false });
  if (layers.size === 0) {
    throw new BoltqError(
      "invalid-data",
      "no Conv, Gemm or MatMul of the model reads values that were quantized to what int8 holds",
      {
        file: path,
        remedy: "Export the model with its fake quantization (QuantizeLinear and DequantizeLinear)",
      },
    );
  }
  if (floatOutput !== undefined) await writeModelFile(model, floatOutput, files);
  const named = onnxNames ? layers : await boltNames(layers, model);
  const target = files.target(tableOutput);
  await writeWhole(target, () =>
    target.write(new TextEncoder().encode(printScaleTable(named, { trained: onnxNames ?? false }))),
  );
  printLines([
    `${named.size} layers`,
    `wrote ${tableOutput}`,
    ...(floatOutput === undefined ? [] : [`wrote ${floatOutput}`]),
  ]);
}

async function boltNames(layers: ReadonlyMap<string, LayerClips>, model: OnnxModel): Promise<Map<string, LayerClips>> {
  const { model: converted } = await convertOnnxToBolt(model, { precision: "PTQ" });
  return withBoltNames(layers, (await prepareBolt(converted)).model);
}
