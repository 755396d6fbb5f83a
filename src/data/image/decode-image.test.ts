import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { BoltqError } from "../../io/error.ts";
import { crc32 } from "../crc32.ts";
import { encodePng } from "./encode-png.ts";
import { inflateStream } from "./inflate.ts";
import { decodeImage } from "./node/decoders.ts";
import { turned } from "./orientation.ts";
import { pngDecoder } from "./png.ts";

/** Files made with Pillow 13 (interlaced ones with pypng, 16-bit colour with OpenCV); pixels as Pillow reads them. */
interface Fixture {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly pixels: string;
  readonly upright?: string;
}

const path = join(fileURLToPath(import.meta.url), "../../../../test/fixtures/pictures.json");
const fixtures = JSON.parse(readFileSync(path, "utf8")) as Record<string, Fixture>;
const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, "base64"));
const REFUSED = ["jpeg-cmyk", "webp-animated"];
const readable = Object.entries(fixtures).filter(([name]) => !REFUSED.includes(name));

/** Numbers that look random and are the same every time. */
function* numbers(): Generator<number> {
  for (let state = 12345; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

describe("pictures of every kind", () => {
  for (const [name, { file, width, height, pixels, upright }] of readable) {
    it(`${name} has the pixels that Pillow reads`, async () => {
      const image = await decodeImage(bytesOf(file), name);
      expect([image.width, image.height]).toEqual([width, height]);
      expect(Buffer.compare(image.pixels, bytesOf(pixels))).toBe(0);
      const seen = turned(image, image.orientation).pixels;
      expect(Buffer.compare(seen, bytesOf(upright ?? pixels))).toBe(0);
    });
  }

  it("refuses CMYK and animations by name", async () => {
    for (const name of REFUSED) {
      const decoding = decodeImage(bytesOf(fixtures[name]!.file), name);
      await expect(decoding).rejects.toThrow(new RegExp(`^${name}: .*(CMYK|animated)`));
    }
  });

  it("unpacks PNG with what a browser has", async () => {
    const decode = pngDecoder(inflateStream);
    for (const [name, { file, pixels }] of readable.filter(([kind]) => kind.startsWith("png"))) {
      expect(Buffer.compare((await decode(bytesOf(file), name)).pixels, bytesOf(pixels))).toBe(0);
    }
  });

  it("reads the PNG that it writes", async () => {
    const image = await decodeImage(bytesOf(fixtures["jpeg-baseline"]!.file), "a");
    const again = await decodeImage(encodePng(image, deflateSync), "b");
    expect({ ...again, orientation: 0 }).toEqual({ ...image, orientation: 0 });
  });
});

describe("files that are no pictures", () => {
  it("are refused with the reason", async () => {
    const text = new TextEncoder().encode("not a picture at all");
    await expect(decodeImage(text, "x.jpg")).rejects.toThrow("x.jpg: this is no picture");
    await expect(decodeImage(new Uint8Array(0), "x.jpg")).rejects.toThrow("x.jpg: the file is empty");
  });

  it("are refused when they are cut anywhere", async () => {
    for (const [name, { file }] of readable) {
      const bytes = bytesOf(file);
      for (let length = 1; length < bytes.length - 1; length += 7) {
        await expect(decodeImage(bytes.slice(0, length), name), `${name} ${length}`).rejects.toThrow(BoltqError);
      }
    }
  });

  it("are refused before they are unpacked when they claim to be huge", async () => {
    const png = bytesOf(fixtures["png-rgb"]!.file);
    const header = new DataView(png.buffer);
    for (const [side, message] of [
      [7000, "bomb.png: the picture says that it has 7000x7000"],
      [60000, "bomb.png: the picture has 60000x60000"],
    ] as const) {
      header.setUint32(16, side);
      header.setUint32(20, side);
      header.setUint32(29, crc32(png.subarray(12, 29)));
      await expect(decodeImage(png, "bomb.png")).rejects.toThrow(message);
    }
    const jpeg = bytesOf(fixtures["jpeg-baseline"]!.file);
    const frame = jpeg.findIndex((byte, index) => byte === 0xff && jpeg[index + 1] === 0xc0);
    jpeg.set([0xff, 0xff, 0xff, 0xff], frame + 5);
    await expect(decodeImage(jpeg, "bomb.jpg")).rejects.toThrow(/^bomb.jpg: the picture has 65535x65535/);
    jpeg.set([7000 >> 8, 7000 & 255, 7000 >> 8, 7000 & 255], frame + 5);
    await expect(decodeImage(jpeg, "bomb.jpg")).rejects.toThrow("bomb.jpg: the picture says that it has 7000x7000");
    const webp = bytesOf(fixtures["webp-lossless"]!.file);
    new DataView(webp.buffer).setUint32(21, 0x0fffffff, true);
    await expect(decodeImage(webp, "bomb.webp")).rejects.toThrow("bomb.webp: the picture has 16384x16384");
  });

  for (const kind of ["jpeg", "png", "webp"]) {
    it(`400 damaged ${kind} files give a picture or an error and leave good ones readable`, async () => {
      const files = readable.filter(([name]) => name.startsWith(kind));
      const random = numbers();
      const below = (limit: number) => Math.floor(random.next().value! * limit);
      for (let round = 0; round < 400; round++) {
        const [name, { file, pixels }] = files[round % files.length]!;
        const bytes = bytesOf(file);
        for (let count = 1 + below(4); count > 0; count--) bytes[below(bytes.length)] = below(256);
        const result = await decodeImage(bytes, name).catch((error: unknown) => error);
        if (result instanceof Error) expect(result).toBeInstanceOf(BoltqError);
        if (round % 100 === 0) {
          expect(Buffer.compare((await decodeImage(bytesOf(file), name)).pixels, bytesOf(pixels))).toBe(0);
        }
      }
    }, 60_000);
  }

  it("may be decoded at the same time as good ones", async () => {
    const good = fixtures["jpeg-baseline"]!;
    const bad = bytesOf(good.file).fill(0x55, 200, 400);
    const files = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? bytesOf(good.file) : bad));
    const results = await Promise.allSettled(files.map((bytes) => decodeImage(bytes, "x.jpg")));
    results.forEach((result, index) => {
      if (index % 2 === 1) return;
      if (result.status === "rejected") throw result.reason;
      expect(Buffer.compare(result.value.pixels, bytesOf(good.pixels))).toBe(0);
    });
  });
});
