import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { memoryBytes, memorySource } from "../src/io/bytes.ts";
import { WireMessage } from "../src/io/protobuf.ts";
import type { OnnxModel, OnnxTensor, OnnxValue } from "../src/onnx/model.ts";
import { readOnnx } from "../src/onnx/read.ts";
import { readTensor } from "../src/onnx/read-tensor.ts";

/** Where Debian's package libonnx-testdata puts ONNX's own test cases: a model each, with inputs and outputs. */
const root = "/usr/share/libonnx-testdata/data";

/** A test group that needs the cases; skipped, with the reason in its title, where they are not installed. */
export function describeWithTestdata(title: string, body: () => void): void {
  if (existsSync(root)) describe(title, body);
  else describe.skip(`${title} (skipped: Debian's libonnx-testdata is not installed)`, body);
}

/** Folders of all cases. */
export function testdataCases(): string[] {
  return ["node", "simple", "pytorch-operator", "pytorch-converted"].flatMap((kind) =>
    readdirSync(join(root, kind)).map((name) => join(root, kind, name)),
  );
}

export interface TestdataCase {
  readonly model: OnnxModel;
  /** Data of the inputs that are no initializers; those that are no tensors (a sequence, say) are left out. */
  readonly inputs: ReadonlyMap<OnnxValue, OnnxTensor>;
  readonly outputs: ReadonlyMap<OnnxValue, OnnxTensor>;
}

export async function openTestdataCase(folder: string): Promise<TestdataCase> {
  const path = join(folder, "model.onnx");
  const model = await readOnnx(memorySource(new Uint8Array(readFileSync(path)), path));
  const { inputs, outputs } = model.main.graph;
  const data = join(folder, "test_data_set_0");
  const unset = inputs.filter(({ constant }) => constant === undefined);
  return {
    model,
    inputs: await openTensors(data, "input", unset),
    outputs: await openTensors(data, "output", outputs),
  };
}

async function openTensors(
  folder: string,
  kind: string,
  values: readonly OnnxValue[],
): Promise<Map<OnnxValue, OnnxTensor>> {
  const tensors = new Map<OnnxValue, OnnxTensor>();
  for (const [index, value] of values.entries()) {
    const tensor = await openTensor(join(folder, `${kind}_${index}.pb`));
    if (tensor === undefined) continue;
    // The data of bfloat16 values are stored as uint16.
    const isBfloat16 = value.type?.type === "bfloat16";
    tensors.set(value, isBfloat16 ? { ...tensor, type: "bfloat16" } : tensor);
  }
  return tensors;
}

async function openTensor(path: string): Promise<OnnxTensor | undefined> {
  if (!existsSync(path)) return undefined;
  try {
    const message = await WireMessage.read(memoryBytes(new Uint8Array(readFileSync(path))));
    return await readTensor(message, { externalData: undefined });
  } catch {
    return undefined;
  }
}
