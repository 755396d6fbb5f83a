import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { BoltqError } from "../../../io/error.ts";
import { jpegDecoder } from "../jpeg.ts";

/** Decodes JPEG files in Node. */
export const decodeJpeg: ReturnType<typeof jpegDecoder> = jpegDecoder(async () => {
  try {
    const path = createRequire(import.meta.url).resolve("@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm");
    // The package expects a browser's ImageData.
    (globalThis as { ImageData?: unknown }).ImageData ??= PlainImageData;
    return { module: await import("@jsquash/jpeg/decode.js"), code: await WebAssembly.compile(readFileSync(path)) };
  } catch (cause) {
    throw new BoltqError("runtime-missing", "the JPEG decoder cannot be loaded", {
      cause,
      remedy: "Run npm install @jsquash/jpeg",
    });
  }
});

class PlainImageData {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;

  constructor(data: Uint8ClampedArray, width: number, height: number) {
    this.data = data;
    this.width = width;
    this.height = height;
  }
}
