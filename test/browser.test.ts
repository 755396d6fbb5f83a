import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createCanvas } from "@napi-rs/canvas";
import { build } from "esbuild";
import * as ort from "onnxruntime-web/wasm";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { decodeImage } from "../src/data/image/node/decoders.ts";
import { memoryTarget } from "../src/io/target.ts";
import * as boltq from "../src/node.ts";
import { writeOnnx } from "../src/onnx/write.ts";
import { toInt8Bolt, toInt8Onnx } from "./browser-work.ts";
import { describeInChromium, launchChromium } from "./chromium.ts";
import { picture, pictureNetwork } from "./models/picture-network.ts";
import { smallNetwork } from "./models/small-network.ts";

const PICTURES = 20;

const PAGE = `
import * as boltq from "boltq";
import * as ort from "onnxruntime-web/wasm";
import { toInt8Bolt, toInt8Onnx } from "./browser-work.ts";

const runtimes = {
  page: () => boltq.runtimeOf(ort),
  workers: () => boltq.workerRuntime(() => new Worker("worker.js", { type: "module" })),
};
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const text = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
globalThis.test = {
  bolt: async (onnx) => text(await toInt8Bolt(boltq, bytes(onnx))),
  onnx: async (where, onnx, pictures) =>
    text(await toInt8Onnx(boltq, runtimes[where](), bytes(onnx), pictures.map(bytes))),
  decode: async (picture) => {
    const { width, height, orientation, pixels } = await boltq.decodeImage(bytes(picture), "picture");
    return { width, height, orientation, pixels: text(pixels) };
  },
  missing: () => boltq.loadRuntime().catch(({ code, message }) => ({ code, message })),
};`;

async function bytesOf(model: boltq.OnnxModel): Promise<Uint8Array> {
  const target = memoryTarget();
  await writeOnnx(model, target);
  return target.result();
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

describeInChromium("in Chromium", () => {
  let server: Server;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    const files = await bundled();
    server = createServer((request, response) => {
      const name = request.url!.slice(1) || "index.html";
      const type = name.endsWith(".js") ? "text/javascript" : name.endsWith(".wasm") ? "application/wasm" : "text/html";
      const body = files.get(name);
      response.writeHead(body === undefined ? 404 : 200, { "content-type": type }).end(body);
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    browser = await launchChromium();
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction("globalThis.test !== undefined");
    ort.env.wasm.numThreads = 1;
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  const inPage = <Result>(name: string, ...args: unknown[]): Promise<Result> =>
    page.evaluate(`globalThis.test.${name}(...${JSON.stringify(args)})`);

  it("makes an int8 .bolt file of an ONNX model, byte for byte as in Node", async () => {
    const onnx = await bytesOf(smallNetwork());
    expect(await inPage("bolt", base64(onnx))).toBe(base64(await toInt8Bolt(boltq, onnx)));
  });

  it.each(["page", "workers"])(
    "calibrates an int8 ONNX model on pictures, as Node with onnxruntime-web: %s",
    async (where) => {
      const onnx = await bytesOf(pictureNetwork());
      const pictures = Array.from({ length: PICTURES }, (_, index) => picture(index + 1));
      const expected = await toInt8Onnx(boltq, boltq.runtimeOf(ort), onnx, pictures);
      expect(await inPage("onnx", where, base64(onnx), pictures.map(base64))).toBe(base64(expected));
    },
  );

  it("decodes PNG as Node does, and JPEG and WebP nearly so", async () => {
    const canvas = createCanvas(40, 24);
    const context = canvas.getContext("2d");
    const gradient = context.createLinearGradient(0, 0, 40, 24);
    for (const [at, colour] of ["#2040c0", "#e0d020", "#10a060"].entries()) gradient.addColorStop(at / 2, colour);
    context.fillStyle = gradient;
    context.fillRect(0, 0, 40, 24);
    for (const [file, most] of [
      [canvas.toBuffer("image/png"), 0],
      [canvas.toBuffer("image/jpeg"), 4],
      [canvas.toBuffer("image/webp"), 4],
    ] as const) {
      const bytes = new Uint8Array(file);
      const { pixels, ...size } = await inPage<{ pixels: string }>("decode", base64(bytes));
      const { pixels: expected, ...expectedSize } = await decodeImage(bytes, "picture");
      expect(size).toEqual(expectedSize);
      const decoded = Buffer.from(pixels, "base64");
      expect(Math.max(...expected.map((value, index) => Math.abs(value - decoded[index]!)))).toBeLessThanOrEqual(most);
    }
  });

  it("says that the runtime must be given, and how", async () => {
    expect(await inPage("missing")).toMatchObject({
      code: "runtime-missing",
      message: expect.stringContaining("runtimeOf(ort)"),
    });
  });
});

/** The page, its worker and what onnxruntime-web loads, by name. */
async function bundled(): Promise<Map<string, Uint8Array | string>> {
  const bundle = async (contents: string) => {
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: import.meta.dirname },
      tsconfigRaw: "{}",
      bundle: true,
      write: false,
      format: "esm",
      platform: "browser",
    });
    return outputFiles[0]!.text;
  };
  const wasm = "ort-wasm-simd-threaded.wasm";
  return new Map<string, Uint8Array | string>([
    ["index.html", '<!doctype html><link rel="icon" href="data:,"><script type="module" src="page.js"></script>'],
    ["page.js", await bundle(PAGE)],
    ["worker.js", await bundle('import "boltq/worker"')],
    [wasm, readFileSync(join(import.meta.dirname, "..", "node_modules", "onnxruntime-web", "dist", wasm))],
  ]);
}
