import { describe, expect, it } from "vitest";
import { type WasmCodec, wasmDecoder } from "./wasm-codec.ts";

/** Nothing of the code is looked at here. */
const CODE = {} as WebAssembly.Module;

/** A library whose files are a width and a height; a width of 0 kills its instance, one of 1 makes it complain. */
function library() {
  const seen = { loads: 0, instances: 0, busy: 0, most: 0 };
  let alive = false;
  let print: (text: string) => void = () => {};
  const codec: WasmCodec = {
    init: async (_code, settings) => {
      seen.instances += 1;
      alive = true;
      print = settings["printErr"] as typeof print;
    },
    default: async (bytes) => {
      const [width, height] = new Uint16Array(bytes) as unknown as [number, number];
      seen.busy += 1;
      seen.most = Math.max(seen.most, seen.busy);
      await new Promise((resolve) => setTimeout(resolve, 1));
      seen.busy -= 1;
      if (!alive) throw new Error("dead");
      if (width === 0) {
        alive = false;
        throw new Error("killed");
      }
      if (width === 1) print("complaint");
      return { width, height, data: new Uint8ClampedArray(4 * Math.min(width * height, 16)).fill(height) };
    },
  };
  const load = async () => {
    seen.loads += 1;
    return { module: codec, code: CODE };
  };
  return { seen, decode: wasmDecoder(load) };
}

const file = (width: number, height: number) => new Uint8Array(Uint16Array.of(width, height).buffer);

describe("a decoder over a C library", () => {
  it("decodes one after the other, with one instance, and tells what the library says of each", async () => {
    const { seen, decode } = library();
    const results = await Promise.all([decode(file(2, 3)), decode(file(1, 5)), decode(file(2, 2))]);
    expect(results.map(({ image }) => [image.width, image.height])).toEqual([
      [2, 3],
      [1, 5],
      [2, 2],
    ]);
    expect([...results[2]!.image.pixels]).toEqual(new Array(12).fill(2));
    expect(results.map(({ messages }) => messages)).toEqual([[], ["complaint"], []]);
    expect(seen).toEqual({ loads: 1, instances: 1, busy: 0, most: 1 });
  });

  it("takes a new instance after a picture that failed", async () => {
    const { seen, decode } = library();
    const results = await Promise.allSettled([decode(file(0, 0)), decode(file(2, 2))]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
    expect(seen).toMatchObject({ loads: 1, instances: 2 });
  });

  it("lets go of an instance that has seen a large picture", async () => {
    const { seen, decode } = library();
    await decode(file(4000, 2000));
    await decode(file(2, 2));
    expect(seen.instances).toBe(1);
    await decode(file(4000, 2001));
    await decode(file(2, 2));
    expect(seen.instances).toBe(2);
  });
});
