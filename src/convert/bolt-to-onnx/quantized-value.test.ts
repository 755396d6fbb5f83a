import { expect, it } from "vitest";
import { denseTensor, denseValues } from "../../graph/dense-values.ts";
import { memoryTarget } from "../../io/target.ts";
import { writeOnnx } from "../../onnx/write.ts";
import { loadRuntime } from "../../runtime/load.ts";
import { GraphBuilder } from "../graph-builder.ts";
import { dequantize, quantize } from "./quantized-value.ts";

it("quantizes by the largest magnitude of the run", async () => {
  const values = Float32Array.of(-2.54, 0, 0.01, 1.27, 2.5, 0.03);
  const { levels, real } = await quantized(values, undefined);
  expect(levels).toEqual([-127, 0, 0.5, 63.5, 125, 1.5].map(halfEven));
  real.forEach((value, index) => {
    expect(Math.abs(value - values[index]!)).toBeLessThanOrEqual(0.0101);
  });
});

it("makes nothing of nothing", async () => {
  const { levels, real } = await quantized(new Float32Array(5), undefined);
  expect(levels).toEqual([0, 0, 0, 0, 0]);
  expect(real).toEqual([0, 0, 0, 0, 0]);
});

it("makes nothing of what is too small for a scale", async () => {
  const { levels, real } = await quantized(Float32Array.of(1e-40, 0, -1e-41), undefined);
  expect([levels, real]).toEqual([
    [0, 0, 0],
    [0, 0, 0],
  ]);
});

it("clips at 127 levels of a static scale, not 128", async () => {
  const { levels } = await quantized(Float32Array.of(-5, -1.28, -1.27, 0.005, 0.015, 1.3), 100);
  expect(levels).toEqual([-127, -127, -127, 0, 2, 127]);
});

it("uses the scale of the run where the static one is coarser", async () => {
  const values = Float32Array.of(-2.54, 0.02, 1.27);
  expect((await quantized(values, 10)).levels).toEqual([-127, 1, 63.5].map(halfEven));
});

async function quantized(
  values: Float32Array,
  scale: number | undefined,
): Promise<{ levels: number[]; real: number[] }> {
  const builder = new GraphBuilder("test");
  const result = quantize(builder, builder.input("x", "float32", [values.length]), { name: "q", scale });
  builder.output(result.levels);
  builder.output(dequantize(builder, result, "real"));
  const target = memoryTarget();
  await writeOnnx(builder.finish(""), target);
  const session = await (await loadRuntime()).createSession(target.result(), { placement: "direct" });
  const outputs = await session.run(new Map([["x", denseTensor("float32", [values.length], values)]]));
  await session.close();
  // Adding 0 makes -0 plain.
  const [levels, real] = [...outputs.values()].map((tensor) => Array.from(denseValues(tensor), (value) => value + 0));
  return { levels: levels!, real: real! };
}

function halfEven(value: number): number {
  return value + 6755399441055744 - 6755399441055744;
}
