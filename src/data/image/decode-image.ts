import { BoltqError } from "../../io/error.ts";
import type { ImageDecoder } from "./image.ts";
import { looksLikeJpeg } from "./jpeg.ts";
import { looksLikePng } from "./png.ts";
import { looksLikeWebp } from "./webp.ts";

/** A decoder for each kind of picture file. */
export interface ImageDecoders {
  readonly jpeg: ImageDecoder;
  readonly png: ImageDecoder;
  readonly webp: ImageDecoder;
}

const SIGNS: Readonly<Record<keyof ImageDecoders, (bytes: Uint8Array) => boolean>> = {
  jpeg: looksLikeJpeg,
  png: looksLikePng,
  webp: looksLikeWebp,
};

/** A decoder that knows a file's kind by its first bytes, whatever its name says. */
export function imageDecoder(decoders: ImageDecoders): ImageDecoder {
  return async (bytes, file) => {
    if (bytes.length === 0) throw new BoltqError("format", "the file is empty", { file });
    for (const [kind, matches] of Object.entries(SIGNS)) {
      if (matches(bytes)) return decoders[kind as keyof ImageDecoders](bytes, file);
    }
    throw new BoltqError("format", "this is no picture", { file, remedy: "JPEG, PNG and WebP are read" });
  };
}
