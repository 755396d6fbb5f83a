/** Everything of `index.ts`, and what a browser has: the package as a browser sees it. */

export { decodeImage } from "./data/image/web/decoders.ts";
export * from "./index.ts";
export { serveRuntime, workerRuntime } from "./runtime/web/worker-runtime.ts";
