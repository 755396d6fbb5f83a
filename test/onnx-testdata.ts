import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { memoryBytes, memorySource } from "../src/io/bytes.ts";
import { WireMessage } from "../src/io/protobuf.ts";
import type { OnnxModel, OnnxTensor } from "../src/onnx/model.ts";
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
  /** Undefined where the case's data is no tensor (a sequence, say). */
  readonly inputs: readonly (OnnxTensor | undefined)[];
  readonly outputs: readonly (OnnxTensor | undefined)[];
}

export async function openTestdataCase(folder: string): Promise<TestdataCase> {
  const path = join(folder, "model.onnx");
  const model = await readOnnx(memorySource(new Uint8Array(readFileSync(path)), path));
  const data = join(folder, "test_data_set_0");
  const tensors = (kind: string, count: number) =>
    Promise.all(Array.from({ length: count }, (_, index) => openTensor(join(data, `${kind}_${index}.pb`))));
  const { graph } = model.main;
  return {
    model,
    inputs: await tensors("input", graph.inputs.length),
    outputs: await tensors("output", graph.outputs.length),
  };
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
