import type { Image } from "../../../src/data/image/image.ts";

/** A picture as a PNG file. */
export async function pngOf({ width, height, pixels }: Image): Promise<Blob> {
  const data = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let from = 0, to = 0; from < pixels.length; from += 3, to += 4) data.set(pixels.subarray(from, from + 3), to);
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d")!.putImageData(new ImageData(data, width, height), 0, 0);
  return canvas.convertToBlob();
}

/** A file as a data: URL, as a page that stands alone needs it. */
export async function dataUrl(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return `data:${blob.type};base64,${text}`;
}
