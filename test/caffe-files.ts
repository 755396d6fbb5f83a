import type { ReadModelOptions } from "../src/convert/model-format.ts";
import { memorySource, type Source } from "../src/io/bytes.ts";
import { BoltqError } from "../src/io/error.ts";
import { WireWriter } from "../src/io/protobuf.ts";

/** A learned blob of a net made in a test. */
export interface Blob {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** The bytes of a caffemodel with these layers' blobs. */
export async function caffemodel(layers: Readonly<Record<string, readonly Blob[]>>): Promise<Uint8Array> {
  const net = new WireWriter();
  net.text(1, "net");
  for (const [name, blobs] of Object.entries(layers)) {
    const layer = new WireWriter();
    layer.text(1, name);
    for (const { shape, values } of blobs) {
      const blob = new WireWriter();
      const sizes = new WireWriter();
      sizes.packed(1, shape);
      blob.message(7, sizes);
      blob.bytes(5, new Uint8Array(Float32Array.from(values).buffer));
      layer.message(7, blob);
    }
    net.message(100, layer);
  }
  const parts = await Promise.all(net.parts().map((part) => part.read()));
  return new Uint8Array(Buffer.concat(parts));
}

/** The source of net.caffemodel, and what opens net.prototxt beside it. */
export function caffeSource(
  prototxt: string,
  weights: Uint8Array,
): { readonly source: Source; readonly options: ReadModelOptions } {
  return {
    source: memorySource(weights, "net.caffemodel"),
    options: {
      externalData: (location: string): Source => {
        if (location === "net.prototxt") return memorySource(new TextEncoder().encode(prototxt), location);
        throw new BoltqError("not-found", "there is no such file", { file: location });
      },
    },
  };
}
