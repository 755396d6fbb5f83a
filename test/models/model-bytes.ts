import { type Model, writeModel } from "../../src/convert/model-file.ts";
import { memoryTarget } from "../../src/io/target.ts";

/** What is in a model's file. */
export async function modelBytes(model: Model): Promise<Uint8Array> {
  const target = memoryTarget();
  await writeModel(model, target);
  return target.result();
}
