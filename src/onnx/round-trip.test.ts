import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { describeWithShared, sharedPath } from "../../test/shared.ts";
import { memorySource } from "../io/bytes.ts";
import { memoryTarget } from "../io/target.ts";
import { readOnnx } from "./read.ts";
import { encodeOnnx, writeOnnx } from "./write.ts";

async function rewritten(bytes: Uint8Array): Promise<Uint8Array> {
  const target = memoryTarget();
  await writeOnnx(await readOnnx(memorySource(bytes)), target);
  return target.result();
}

describeWithShared("an ONNX file read and written back", () => {
  const files = readdirSync(sharedPath(), { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".onnx") && !name.startsWith("hostile"),
  );

  it("is read, and gives the same bytes when it is written, read and written again", async () => {
    const unstable: string[] = [];
    for (const file of files) {
      const once = await rewritten(new Uint8Array(readFileSync(sharedPath(file))));
      if (Buffer.compare(once, await rewritten(once)) !== 0) unstable.push(file);
    }
    expect(files.length).toBeGreaterThan(100);
    expect(unstable).toEqual([]);
  });

  it("encodes to one buffer as it is written", async () => {
    const model = await readOnnx(
      memorySource(new Uint8Array(readFileSync(sharedPath("models", "cifar10_resnet20", "cifar10_resnet20.onnx")))),
    );
    const target = memoryTarget();
    await writeOnnx(model, target);
    expect(Buffer.compare(await encodeOnnx(model), target.result())).toBe(0);
  });
});
