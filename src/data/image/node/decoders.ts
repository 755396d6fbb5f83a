import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { inflate } from "node:zlib";
import { BoltqError } from "../../../io/error.ts";
import { imageDecoder } from "../decode-image.ts";
import type { ImageDecoder } from "../image.ts";
import { jpegDecoder } from "../jpeg.ts";
import { pngDecoder } from "../png.ts";
import type { LoadedCodec, WasmCodec } from "../wasm-codec.ts";
import { webpDecoder } from "../webp.ts";

/** Decodes JPEG files in Node. */
export const decodeJpeg: ImageDecoder = jpegDecoder(() =>
  loadCodec("@jsquash/jpeg", "codec/dec/mozjpeg_dec.wasm", () => import("@jsquash/jpeg/decode.js")),
);

/** Decodes WebP files in Node. */
export const decodeWebp: ImageDecoder = webpDecoder(() =>
  loadCodec("@jsquash/webp", "codec/dec/webp_dec.wasm", () => import("@jsquash/webp/decode.js")),
);

const unpack = promisify<Uint8Array, { maxOutputLength: number }, Uint8Array>(inflate);

/** Decodes PNG files in Node. */
export const decodePng: ImageDecoder = pngDecoder((packed, most) => unpack(packed, { maxOutputLength: most }));

const decodeAny = imageDecoder({ jpeg: decodeJpeg, png: decodePng, webp: decodeWebp });

/** Decodes a picture file of any of these kinds in Node, when whoever took the last one has begun with it. */
export const decodeImage: ImageDecoder = async (bytes, file) => {
  await new Promise((resolve) => setImmediate(resolve));
  return decodeAny(bytes, file);
};

async function loadCodec(name: string, file: string, load: () => Promise<WasmCodec>): Promise<LoadedCodec> {
  try {
    const path = createRequire(import.meta.url).resolve(`${name}/${file}`);
    return { module: await load(), code: await WebAssembly.compile(readFileSync(path)) };
  } catch (cause) {
    throw new BoltqError("runtime-missing", `the decoder ${name} cannot be loaded`, {
      cause,
      remedy: `Run npm install ${name}`,
    });
  }
}
