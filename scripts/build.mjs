// Builds dist/: the library with types by tsc, file by file; the programs, bundled so that they start fast, by rolldown;
// the app, by vite.
import { execFileSync } from "node:child_process";
import { chmodSync, readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { rolldown } from "rolldown";

const TSC = "node_modules/typescript/bin/tsc";
const VITE = "node_modules/vite/bin/vite.js";
const EXTERNAL = ["onnxruntime-node", "onnxruntime-web", /^@jsquash\//, "@dagrejs/dagre"];

rmSync("dist", { recursive: true, force: true });
for (const project of ["tsconfig.build.json", "tsconfig.web.build.json"]) {
  execFileSync(process.execPath, [TSC, "-p", project], { stdio: "inherit" });
}

// Workers are started by URL, next to whichever file starts them: in the bundle all files lie in one folder.
const programs = find(/^cli\/bin\/.*\.ts$/);
const sources = [...programs, ...find(/\/node\/.*worker\.ts$/)];
const input = Object.fromEntries(sources.map((path) => [basename(path, ".ts"), path]));
const bundle = await rolldown({ input, platform: "node", external: EXTERNAL });
await bundle.write({
  dir: "dist/bin",
  format: "esm",
  sourcemap: process.env.SOURCE_MAPS === "1",
  minify: { compress: true, mangle: false, codegen: { removeWhitespace: false } },
  entryFileNames: "[name].js",
  chunkFileNames: "[name]-[hash].js",
});
await bundle.close();
execFileSync(process.execPath, [VITE, "build", "web", "--config", "web/vite.config.ts", "--logLevel", "warn"], {
  stdio: "inherit",
});
for (const path of programs) chmodSync(`dist/bin/${basename(path, ".ts")}.js`, 0o755);

function find(pattern) {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" });
  return files
    .filter((file) => pattern.test(file))
    .sort()
    .map((file) => join("src", file));
}
