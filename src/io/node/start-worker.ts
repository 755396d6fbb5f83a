import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";

/**
 * Starts the worker whose built file is `url` (`new URL("./x-worker.js", import.meta.url)`). Run from sources (tests) the
 * file is TypeScript, which takes a loader. The buffers in `transferList` are handed over instead of copied.
 */
export function startWorker(url: URL, workerData?: unknown, transferList: ArrayBuffer[] = []): Worker {
  // Loaders that the process was started with would only slow the built files down.
  if (!import.meta.url.endsWith(".ts")) return new Worker(url, { workerData, transferList, execArgv: [] });
  const loader = createRequire(import.meta.url)
    .resolve("tsx/esm/api")
    .replace(/\.cjs$/, ".mjs");
  const entry = url.href.replace(/\.js$/, ".ts");
  const code = `import(${JSON.stringify(loader)}).then(({ register }) => { register(); return import(${JSON.stringify(entry)}); });`;
  return new Worker(code, { eval: true, workerData, transferList });
}
