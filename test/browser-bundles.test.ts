import { gzipSync } from "node:zlib";
import { build, type Plugin } from "esbuild";
import { rolldown } from "rolldown";
import { describe, expect, it } from "vitest";

/** What a page may take of the built package, and the most that it may weigh, minified and packed, in kB (1000 bytes). */
const ENTRIES: readonly { readonly name: string; readonly takes: string; readonly most: number }[] = [
  { name: "the whole library", takes: "*", most: 210 },
  {
    name: "post_training_quantization",
    takes: "{ readBolt, quantizeBolt, writeBolt, blobSource, memoryTarget }",
    most: 28,
  },
  {
    name: "X2bolt",
    takes: "{ readModelAs, ONNX_FORMAT, convertOnnxToBolt, writeBolt, blobSource, memoryTarget }",
    most: 90,
  },
  {
    name: "ONNX to int8",
    takes: "{ readModelAs, ONNX_FORMAT, quantizeOnnx, writeOnnx, runtimeOf, blobSource, memoryTarget }",
    most: 60,
  },
  {
    name: "comparing models",
    takes: "{ readModelAs, ONNX_FORMAT, BOLT_FORMAT, compareModels, runtimeOf, blobSource }",
    most: 52,
  },
];

/** What a page that takes the whole library loads before it uses any, in kB: readers, lowering and fitting come when they are called. */
const FIRST_LOAD = 100;

/** As in a project of its own: the paths in our tsconfig.json lead to sources for Node. */
const OWN_PROJECT = { tsconfigRaw: "{}" } as const;

/** What is imported on demand is loaded by those alone who use it. */
const ON_DEMAND: Plugin = {
  name: "on demand",
  setup: ({ onResolve }) => {
    onResolve({ filter: /./ }, ({ path, kind }) => (kind === "dynamic-import" ? { path, external: true } : undefined));
  },
};

describe("the built package, bundled for browsers", () => {
  it.each(ENTRIES)("holds nothing of Node and stays small: $name", async ({ takes, most }) => {
    const { outputFiles, warnings } = await build({
      ...OWN_PROJECT,
      stdin: { contents: `export ${takes} from "boltq"`, resolveDir: import.meta.dirname },
      bundle: true,
      minify: true,
      write: false,
      format: "esm",
      platform: "browser",
      logLevel: "silent",
      plugins: [ON_DEMAND],
    });
    expect(warnings).toEqual([]);
    expect(outputFiles[0]!.text).not.toMatch(/["'`]node:/);
    expect(gzipSync(outputFiles[0]!.contents).length / 1000).toBeLessThan(most);
  });

  it("loads at first only what every use of it needs", async () => {
    const { outputFiles, metafile } = await build({
      ...OWN_PROJECT,
      stdin: { contents: 'export * from "boltq"', resolveDir: import.meta.dirname, sourcefile: "page.js" },
      bundle: true,
      minify: true,
      write: false,
      splitting: true,
      metafile: true,
      outdir: import.meta.dirname,
      format: "esm",
      platform: "browser",
    });
    const [page] = Object.keys(metafile.outputs).filter((name) => name.endsWith("/stdin.js"));
    const first = new Set<string>([page!]);
    for (const name of first) {
      const { imports } = metafile.outputs[name]!;
      for (const { path, kind } of imports) if (kind === "import-statement") first.add(path);
    }
    const sizes = [...first].map((name) => {
      const file = outputFiles.find(({ path }) => path.endsWith(name))!;
      return gzipSync(file.contents).length;
    });
    expect(outputFiles.length).toBeGreaterThan(first.size);
    expect(sizes.reduce((sum, size) => sum + size, 0) / 1000).toBeLessThan(FIRST_LOAD);
  });

  it.each(["boltq", "boltq/worker"])("is taken by rolldown without a warning: %s", async (entry) => {
    const warnings: string[] = [];
    const bundle = await rolldown({
      input: "entry",
      platform: "browser",
      tsconfig: false,
      external: /^onnxruntime-web/,
      plugins: [
        {
          name: "entry",
          resolveId: (id) => (id === "entry" ? `${import.meta.dirname}/entry.js` : null),
          load: (id) => (id.endsWith("/entry.js") ? `export * from "${entry}"` : null),
        },
      ],
      onLog: (_level, { message }) => void warnings.push(message),
    });
    const { output } = await bundle.generate({ format: "esm" });
    expect(warnings).toEqual([]);
    const code = output.map((chunk) => (chunk.type === "chunk" ? chunk.code : "")).join("");
    expect(code.length).toBeGreaterThan(1000);
    expect(code).not.toMatch(/from "node:|import\("node:/);
  });
});
