import { type Image, withoutAlpha } from "./image.ts";

/** The part of an `@jsquash` package that is used: a C library in WebAssembly. */
export interface WasmCodec {
  /** Makes a new instance of the code. */
  readonly init: (code: WebAssembly.Module, settings: Record<string, unknown>) => Promise<unknown>;
  /** Decodes a picture to RGBA, 8 bits each, without line padding. */
  readonly default: (bytes: ArrayBuffer) => Promise<{ width: number; height: number; data: Uint8ClampedArray }>;
}

/** A package and its compiled code. */
export interface LoadedCodec {
  readonly module: WasmCodec;
  readonly code: WebAssembly.Module;
}

/** An instance that has seen a larger picture is let go: its memory never shrinks. */
const LARGE_PICTURE = 8_000_000;

/**
 * Decodes pictures one after the other; `messages` are what the library prints of a file. After a failed picture the
 * instance is of no more use, so a new one is made. Rejects with whatever the library throws.
 */
export function wasmDecoder(
  load: () => Promise<LoadedCodec>,
): (bytes: Uint8Array) => Promise<{ image: Image; messages: readonly string[] }> {
  let loaded: Promise<LoadedCodec> | undefined;
  let ready: Promise<unknown> | undefined;
  let messages: string[] = [];
  let last: Promise<unknown> = Promise.resolve();

  const note = (text: unknown) => void messages.push(String(text));
  const decode = async (bytes: Uint8Array) => {
    loaded ??= load();
    const { module, code } = await loaded;
    ready ??= module.init(code, { print: note, printErr: note });
    try {
      await ready;
      messages = [];
      const { width, height, data } = await module.default(new Uint8Array(bytes).buffer);
      if (width * height > LARGE_PICTURE) ready = undefined;
      return { image: { width, height, pixels: withoutAlpha(data) }, messages };
    } catch (error) {
      ready = undefined;
      throw error;
    }
  };
  return (bytes) => {
    const result = last.then(() => decode(bytes));
    last = result.catch(() => {});
    return result;
  };
}
