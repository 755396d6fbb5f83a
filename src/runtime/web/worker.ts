/** The entry `boltq/worker`: a worker that runs models with onnxruntime-web. */

import { serveRuntime } from "./worker-runtime.ts";

serveRuntime(() => import("onnxruntime-web/wasm"));
