import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { describeWithShared, sharedPath } from "../../../test/shared.ts";
import { memorySource } from "../../io/bytes.ts";
import { decodeJpeg } from "../image/node/decoders.ts";
import { readNpy } from "../npy.ts";
import { type BoltImageFormat, boltPreprocess } from "./bolt-formats.ts";

const folder = (...parts: string[]) => sharedPath("golden", "bolt_v1.3_calibration", "data", ...parts);

async function array(name: string) {
  return readNpy(memorySource(new Uint8Array(readFileSync(folder(name))), name));
}

describeWithShared("pictures prepared as Bolt's loader does", () => {
  const order = () => JSON.parse(readFileSync(folder("jpg16.json"), "utf8")).order as string[];
  const decode = (name: string) => decodeJpeg(new Uint8Array(readFileSync(folder("jpg16", name))), name);

  it("are decoded to the same pixels", async () => {
    const { data } = await array("jpg16_pixels.npy");
    const pixels = await Promise.all(order().map(async (name) => (await decode(name)).pixels));
    expect(Buffer.compare(Buffer.concat(pixels), data)).toBe(0);
  });

  for (const [format, scale] of [
    ["BGR", 0.017],
    ["RGB", 0.0078125],
    ["RGB_SC", 1],
  ] as [BoltImageFormat, number][]) {
    it(`are equal bit for bit for -f ${format} -m ${scale}`, async () => {
      const { data } = await array(`jpg16_input_${format}_m${scale}.npy`);
      const inputs = await Promise.all(
        order().map(async (name) => boltPreprocess(await decode(name), format, 8, 8, scale).data),
      );
      expect(Buffer.compare(Buffer.concat(inputs), data)).toBe(0);
    });
  }
});
