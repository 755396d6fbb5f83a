import { BoltqError } from "../../../io/error.ts";
import { imageDecoder } from "../decode-image.ts";
import { type ImageDecoder, withoutAlpha } from "../image.ts";
import { inflateStream } from "../inflate.ts";
import { readJpegHeader } from "../jpeg.ts";
import { pngDecoder } from "../png.ts";
import { readWebpHeader } from "../webp.ts";

/** Decodes PNG files, as in Node. */
const decodePng: ImageDecoder = pngDecoder(inflateStream);

/** Decodes with what the browser brings; `header` has checked the size before. Colour profiles are left out of account. */
function browserDecoder(
  type: string,
  header: (bytes: Uint8Array, file: string) => { readonly orientation: number },
): ImageDecoder {
  return async (bytes, file) => {
    const { orientation } = header(bytes, file);
    const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)], { type }), {
      imageOrientation: "none",
      premultiplyAlpha: "none",
      colorSpaceConversion: "none",
    }).catch((cause: unknown) => {
      throw new BoltqError("format", "the picture cannot be decoded", { file, cause });
    });
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true })!;
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    return { width, height, pixels: withoutAlpha(context.getImageData(0, 0, width, height).data), orientation };
  };
}

/** Decodes a picture file of any known kind in a browser: PNG as in Node, JPEG and WebP with the browser's own decoders. */
export const decodeImage: ImageDecoder = imageDecoder({
  jpeg: browserDecoder("image/jpeg", readJpegHeader),
  png: decodePng,
  webp: browserDecoder("image/webp", readWebpHeader),
});
