import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { describeWithShared, sharedPath } from "../../../test/shared.ts";
import { memorySource } from "../../io/bytes.ts";
import { decodeJpeg } from "../image/node/decoders.ts";
import { readNpy } from "../npy.ts";
import { type BoltImageFormat, boltNormalization, boltPreprocess } from "./bolt-formats.ts";

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

describe("a picture of 2x2 in Bolt's formats", () => {
  const picture = { width: 2, height: 2, pixels: Uint8Array.of(0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 255) };
  const made = (format: BoltImageFormat, scale = 1) => {
    const { type, shape, data } = boltPreprocess(picture, format, 2, 2, scale);
    expect([type, shape]).toEqual(["float32", [1, 3, 2, 2]]);
    return [...new Float32Array(data.buffer)];
  };
  const planes = [
    [0, 30, 60, 90],
    [10, 40, 70, 100],
    [20, 50, 80, 255],
  ] as const;
  const mean = [122.6789143406786, 116.66876761696767, 104.0069879317889].map(Math.fround) as [number, number, number];
  const normal = (plane: 0 | 1 | 2, factor: number) =>
    planes[plane].map((value) => Math.fround((value - mean[plane]) * Math.fround(factor)));

  it("RGB and BGR take the mean away and multiply", () => {
    expect(made("RGB", 0.5)).toEqual([normal(0, 0.5), normal(1, 0.5), normal(2, 0.5)].flat());
    expect(made("BGR", 0.017)).toEqual([normal(2, 0.017), normal(1, 0.017), normal(0, 0.017)].flat());
  });

  it("RGB_RAW keeps the values", () => expect(made("RGB_RAW", 9)).toEqual(planes.flat()));

  it("those with SC cut the middle out of an enlarged picture", () => {
    const [first, second] = [made("RGB_SC_RAW"), made("BGR_SC_RAW")];
    // The crop starts 16 pixels inside 256: 16 / 128 of the way from the first pixel to the second.
    expect(first.slice(0, 2)).toEqual([(30 + 60) / 8, (30 * 17 + 60 * 16) / 128].map(Math.fround));
    expect(second).toEqual([...first.slice(8), ...first.slice(4, 8), ...first.slice(0, 4)]);
    const scaled = made("RGB_SC");
    expect(scaled[0]).toBe(Math.fround(Math.fround(0 - Math.fround(0.485)) / Math.fround(0.229)));
  });

  it("those with SC do not reach beyond 224 pixels", () => {
    for (const [height, width] of [
      [225, 2],
      [2, 225],
    ] as const) {
      expect(() => boltPreprocess(picture, "RGB_SC", height, width, 1)).toThrow(
        `the format RGB_SC crops 224x224, less than the network's ${height}x${width}. Choose the format RGB or BGR`,
      );
    }
    expect(boltPreprocess(picture, "RGB_SC", 224, 224, 1).shape).toEqual([1, 3, 224, 224]);
  });

  it("tell what they did, so that it can be undone", () => {
    expect(boltNormalization("BGR", 0.5)).toEqual({ order: [2, 1, 0], mean: mean.toReversed(), scale: [0.5] });
    expect(boltNormalization("RGB_RAW", 0.5)).toEqual({ order: [0, 1, 2], mean: [0], scale: [1] });
    expect(boltNormalization("BGR_SC_RAW", 0.5)).toEqual({ order: [2, 1, 0], mean: [0], scale: [1] });
    const { mean: less, scale } = boltNormalization("RGB_SC", 0.5);
    expect(less[0]).toBeCloseTo(123.675, 4);
    expect(scale[2]).toBeCloseTo(1 / 57.375, 8);
  });
});
