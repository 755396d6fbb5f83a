import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

/** What the package maps to built files for browsers stands in tsconfig.json as sources. */
const { paths } = JSON.parse(readFileSync(new URL("tsconfig.json", import.meta.url), "utf8")).compilerOptions;
const alias = Object.entries(paths as Record<string, [string]>).map(([find, [source]]) => ({
  find,
  replacement: fileURLToPath(new URL(source, import.meta.url)),
}));

/** ONNX Runtime itself: loaded when a model is run, and kept from then on. */
const LARGE = /\.wasm$/;

/** Tells the service worker which files the app has. */
function listFiles(): Plugin {
  return {
    name: "list-files",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const worker = bundle["service-worker.js"];
        if (worker?.type !== "chunk") throw new Error("the service worker is missing");
        const names = Object.keys(bundle).filter((name) => name !== worker.fileName && !LARGE.test(name));
        const hash = createHash("sha256");
        for (const name of names.sort()) {
          const file = bundle[name]!;
          hash.update(file.type === "chunk" ? file.code : file.source);
        }
        const files = ["./", ...names.filter((name) => name !== "index.html").map((name) => `./${name}`)];
        worker.code =
          `const APP_FILES = ${JSON.stringify(files)}, APP_VERSION = "boltq-${hash.digest("hex").slice(0, 12)}";\n` +
          worker.code;
      },
    },
  };
}

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./",
  resolve: { alias },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [listFiles()],
  worker: { format: "es" },
  build: {
    outDir: fileURLToPath(new URL("../dist/ui", import.meta.url)),
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: {
        index: fileURLToPath(new URL("index.html", import.meta.url)),
        "service-worker": fileURLToPath(new URL("src/offline/service-worker.ts", import.meta.url)),
      },
      // How long plugins take is no fault of who sets up.
      checks: { pluginTimings: false },
      output: { entryFileNames: ({ name }) => (name === "service-worker" ? "[name].js" : "assets/[name]-[hash].js") },
    },
  },
});
