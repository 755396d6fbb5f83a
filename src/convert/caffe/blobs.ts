import { floatBytes } from "../../bolt/lazy-floats.ts";
import { elementCount, type Tensor } from "../../graph/tensor.ts";
import { type Bytes, rangeOf, type Source } from "../../io/bytes.ts";
import { BoltqError, placed } from "../../io/error.ts";
import { safeInteger, WireMessage } from "../../io/protobuf.ts";

/** Field numbers of caffe.proto, for what is read of a caffemodel. The layers' parameters are those of the prototxt. */
const NET = { oldLayer: 2, layer: 100 } as const;
const LAYER = { name: 1, blob: 7 } as const;
const OLD_LAYER = { name: 4, blob: 6 } as const;
const BLOB = { num: 1, channels: 2, height: 3, width: 4, data: 5, shape: 7, doubleData: 8 } as const;
const BLOB_SHAPE = { size: 1 } as const;

/** The learned blobs of a caffemodel, by the names of their layers. */
export class BlobTable {
  readonly #byLayer: ReadonlyMap<string, readonly Tensor[]>;

  constructor(byLayer: ReadonlyMap<string, readonly Tensor[]>) {
    this.#byLayer = byLayer;
  }

  /** None where the caffemodel lacks the layer. */
  of(layer: string): readonly Tensor[] {
    return this.#byLayer.get(layer) ?? [];
  }
}

/**
 * Reads a caffemodel; the blobs themselves stay in the file. Of layers of one name the first counts, as in Caffe. Throws
 * BoltqError `format` or `truncated`.
 */
export async function readBlobs(source: Source): Promise<BlobTable> {
  const net = await WireMessage.read(rangeOf(source, 0, source.length));
  const table = new Map<string, readonly Tensor[]>();
  for (const [number, fields] of [
    [NET.layer, LAYER],
    [NET.oldLayer, OLD_LAYER],
  ] as const) {
    for (const { data } of net.all(number)) {
      const layer = await WireMessage.read(data);
      const name = await layer.text(fields.name);
      if (!table.has(name)) table.set(name, await readLayer(layer, fields.blob, name));
    }
  }
  if (table.size === 0) {
    throw new BoltqError("format", "this caffemodel has no layers", {
      remedy: "Give the trained caffemodel of the net",
    });
  }
  return new BlobTable(table);
}

async function readLayer(layer: WireMessage, number: number, name: string): Promise<readonly Tensor[]> {
  const blobs: Tensor[] = [];
  for (const { data } of layer.all(number)) {
    const subject = `layer "${name}", blob ${blobs.length}`;
    blobs.push(await placed({ subject }, async () => readBlob(await WireMessage.read(data))));
  }
  return blobs;
}

async function readBlob(blob: WireMessage): Promise<Tensor> {
  const data = await dataOf(blob);
  const shape = await shapeOf(blob);
  if (shape.some((size) => size < 0) || data.length !== 4 * elementCount(shape)) {
    throw new BoltqError("format", `${data.length} bytes do not fit the shape [${shape.join(", ")}]`, {
      remedy: "The file is damaged or was written wrongly",
    });
  }
  return { type: "float32", shape, data };
}

/** Old files state four sizes instead of a shape. */
async function shapeOf(blob: WireMessage): Promise<readonly number[]> {
  const shape = blob.last(BLOB.shape);
  if (shape === undefined)
    return [BLOB.num, BLOB.channels, BLOB.height, BLOB.width].map((field) => blob.integer(field));
  return (await (await WireMessage.read(shape.data)).integers(BLOB_SHAPE.size)).map(safeInteger);
}

async function dataOf(blob: WireMessage): Promise<Bytes> {
  if (!blob.has(BLOB.doubleData)) return blob.fixed32Bytes(BLOB.data);
  const bytes = await (await blob.fixed64Bytes(BLOB.doubleData)).read();
  return floatBytes(new Float64Array(bytes.slice(0, bytes.length - (bytes.length % 8)).buffer));
}
