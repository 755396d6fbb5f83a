/** What the browser's test does in a page and in Node, with the library that it is given. */

type Library = typeof import("../src/index.ts");
type Runtime = import("../src/index.ts").Runtime;

/** ONNX → .bolt → int8, as the file's bytes. */
export async function toInt8Bolt(boltq: Library, onnx: Uint8Array): Promise<Uint8Array> {
  const float = await boltq.readModel(boltq.blobSource(new Blob([new Uint8Array(onnx)]), "small.onnx"));
  if (float.format !== "onnx") throw new Error("an ONNX model was given");
  const { model } = await boltq.convertOnnxToBolt(float, { precision: "PTQ" });
  return written(boltq, (await boltq.quantizeBolt(model, { inference: "INT8_FP32" })).model);
}

/** ONNX → int8 ONNX, calibrated on picture files, as the file's bytes. */
export async function toInt8Onnx(
  boltq: Library,
  runtime: Runtime,
  onnx: Uint8Array,
  pictures: readonly Uint8Array[],
  effort?: import("../src/index.ts").Effort,
): Promise<Uint8Array> {
  const model = await boltq.readModel(boltq.memorySource(onnx, "small.onnx"));
  if (model.format !== "onnx") throw new Error("an ONNX model was given");
  const dataset = await boltq.openBlobs(
    pictures.map((bytes) => new Blob([new Uint8Array(bytes)])),
    boltq.modelInputs(model),
    { preprocessing: boltq.preset("unit") },
  );
  return written(boltq, (await boltq.quantizeOnnx(model, { dataset, runtime, effort })).model);
}

async function written(boltq: Library, model: import("../src/index.ts").Model): Promise<Uint8Array> {
  const target = boltq.memoryTarget();
  await boltq.writeModel(model, target);
  return target.result();
}
