import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { parentPort, Worker } from "node:worker_threads";
import type { OwnPort, StartedWorker } from "../worker/port.ts";

/**
 * Starts the worker whose built file is `url` (`new URL("./x-worker.js", import.meta.url)`). Run from sources (tests) the
 * file is TypeScript, which is bundled first.
 */
export function startWorker(url: URL): StartedWorker {
  const worker = import.meta.url.endsWith(".ts") ? workerFromSource(url) : workerFromFile(url);
  const ended = new Promise<void>((resolve) => void worker.on("exit", () => resolve()));
  return {
    post: (message, handedOver) => worker.postMessage(message, handedOver),
    onMessage: (listener) => void worker.on("message", listener),
    onFailure: (listener) => void worker.on("error", listener),
    ended,
    end: () => void worker.terminate(),
    hold: (held) => (held ? worker.ref() : worker.unref()),
  };
}

/** The line of this worker thread to the thread that started it. */
export function ownPort(): OwnPort {
  const port = parentPort!;
  return {
    post: (message, handedOver) => port.postMessage(message, handedOver),
    onMessage: (listener) => void port.on("message", listener),
    close: () => port.close(),
  };
}

/** Loaders that the process was started with would only slow the built files down. */
function workerFromFile(url: URL): Worker {
  return new Worker(url, { execArgv: [] });
}

function workerFromSource(url: URL): Worker {
  const source = url.href.replace(/\.js$/, ".ts");
  if (!bundles.has(source)) bundles.set(source, bundle(source));
  return new Worker(bundles.get(source)!, { eval: true, execArgv: [] });
}

const bundles = new Map<string, string>();

/** One script of a source and all it imports: a thread has it sooner than a loader of TypeScript. */
function bundle(source: string): string {
  const { buildSync } = createRequire(import.meta.url)("esbuild") as typeof import("esbuild");
  return buildSync({
    entryPoints: [fileURLToPath(source)],
    bundle: true,
    define: { "import.meta.url": JSON.stringify(source) },
    format: "cjs",
    packages: "external",
    platform: "node",
    write: false,
  }).outputFiles[0]!.text;
}
