import { deflateSync } from "node:zlib";
import { BoltqError } from "../../io/error.ts";
import { fileTarget } from "../../io/node/file-target.ts";
import { writeWhole } from "../../io/target.ts";
import type { Dataset } from "../dataset.ts";
import { encodePng } from "../image/encode-png.ts";
import type { Image } from "../image/image.ts";
import { showInput, tile } from "../preprocess/preview.ts";
import type { Preprocessing } from "../preprocess/specification.ts";

const MAX_PICTURES = 16;

/**
 * Writes a PNG file with the first examples (at most 16) as the network will see them. Of several inputs the first one that
 * looks like a picture is shown. Throws `usage` when none does, `invalid-data` when there are no examples.
 */
export async function writePreview(dataset: Dataset, preprocessing: Preprocessing, path: string): Promise<void> {
  const images: Image[] = [];
  for await (const { inputs } of dataset.samples()) {
    const tensors = [...inputs.values()];
    const picture = tensors.find(({ shape }) => shape.length >= 3) ?? tensors[0];
    if (picture !== undefined) images.push(showInput(picture, preprocessing));
    if (images.length === MAX_PICTURES) break;
  }
  if (images.length === 0) throw new BoltqError("invalid-data", "there are no examples to show", { file: path });
  const target = fileTarget(path);
  await writeWhole(target, () => target.write(encodePng(tile(images), (raw) => deflateSync(raw))));
}
