import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compareModels } from "../src/evaluate/compare.ts";
import { floatTensor } from "../src/onnx/tensor-data.ts";
import { quantizeOnnx } from "../src/quantize/onnx/quantize-onnx.ts";
import { ChangedAnswers } from "../src/report/gather/changed-answers.ts";
import { reportOf } from "../src/report/gather/report-of-comparison.ts";
import { reportHtml } from "../src/report/html/report.ts";
import type { ReportData } from "../src/report/html/report-data.ts";
import { axeViolations, describeInChromium, launchChromium } from "./chromium.ts";
import { normalPictures, onnxNetwork } from "./models/networks.ts";
import { onnxModel } from "./models/onnx-model.ts";
import { normalTensor, normalValues } from "./models/values.ts";

const SECTIONS = ["card", "trials", "losses", "decisions", "examples", "histograms", "weights", "graph", "made"];

/** Classifies by what is nearly the same for all: in int8 some answers change. */
function closeCall() {
  return onnxModel({
    inputs: { x: [1, 3, 8, 8] },
    constants: {
      w: normalTensor([32, 3, 3, 3]),
      c: floatTensor(
        [32, 32],
        normalValues(1024, 2).map((value) => 1 + value / 100),
      ),
    },
    operators: [
      ["Conv", ["x", "w"], "first"],
      ["Relu", ["first"], "relu"],
      ["GlobalAveragePool", ["relu"], "pooled"],
      ["Flatten", ["pooled"], "flat"],
      ["Gemm", ["flat", "c"], "scores"],
    ],
    outputs: ["scores"],
  });
}

async function dataOf(model: typeof closeCall): Promise<ReportData> {
  const recipe = { floatStem: false, weights: { granularity: "per-tensor", bits: 7 } } as const;
  const {
    model: quantized,
    plan,
    statistics,
  } = await quantizeOnnx(model(), { recipe, effort: "fast", dataset: normalPictures(8) });
  const changed = new ChangedAnswers(() => "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=");
  const comparison = await compareModels(model(), quantized, normalPictures(60, 500), {
    layers: true,
    timedSamples: 2,
    onSample: changed.add,
  });
  const data = await reportOf({
    title: `<small> & "int8"`,
    made: { command: "boltq quantize model.onnx --data 'a <b>'", versions: "boltq", recipe: JSON.stringify(recipe) },
    models: [model(), quantized],
    names: ["model.onnx", "model.int8.onnx"],
    bytes: [4000, 1200],
    comparison,
    examples: await changed.result(),
    plan,
    statistics,
    accuracy: { top1: [0.5, 0.49] },
  });
  return { ...data, trials: [{ what: "all in int8", result: "1 % lost", taken: true }] };
}

let closeCallData: Promise<ReportData>;
beforeAll(() => {
  closeCallData = dataOf(closeCall);
});

describe("a report", () => {
  it("is the same text for the same data, names what is in it, and escapes it", async () => {
    const data = await closeCallData;
    const text = reportHtml(data);
    expect(reportHtml(JSON.parse(JSON.stringify(data)))).toBe(text);
    expect(text).toContain("<h1>&lt;small&gt; &amp; &quot;int8&quot;</h1>");
    for (const id of SECTIONS) expect(text).toContain(`<section id="${id}"`);
    expect(text).not.toMatch(/<script|https?:/);
    expect(data.graph!.nodes.map(({ type }) => type)).toEqual(["Conv", "Relu", "GlobalAveragePool", "Flatten", "Gemm"]);
    expect(data.graph!.edges).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 4],
    ]);
    expect(data.examples!.changed).toBeGreaterThan(0);
  });

  it("counts every number in its histograms and every channel of its weights", async () => {
    const { histograms, weights } = await dataOf(onnxNetwork);
    const conv1 = histograms!.find(({ name }) => name === "conv1/relu")!;
    expect(conv1.counts.reduce((sum, count) => sum + count)).toBe(8 * 16 * 64);
    expect(conv1.edges).toHaveLength(conv1.counts.length + 1);
    expect(weights!.map(({ magnitudes }) => magnitudes.length)).toEqual([16, 16, 16]);
  });

  it("leaves sections out that have no data, and shows a graph that is too large as a table", () => {
    const node = { name: "a", type: "Relu", precision: undefined, local: 12 };
    const graph = { nodes: [node], edges: [], layout: undefined };
    const text = reportHtml({ title: "t", made: { command: "c", versions: "v" }, graph });
    expect(text.match(/<section id="[a-z]+/g)).toEqual(['<section id="graph', '<section id="made']);
    expect(text).toContain("<td>Relu</td>");
  });
});

describeInChromium("a report in Chromium", () => {
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];

  beforeAll(async () => {
    const text = reportHtml(await closeCallData);
    browser = await launchChromium();
    // The page's policy forbids all scripts: only the checker's may pass it.
    page = await browser.newPage({ bypassCSP: true });
    page.on("console", (message) => problems.push(message.text()));
    page.on("pageerror", (error) => problems.push(error.message));
    await page.route("**/*", (route) => {
      const url = route.request().url();
      if (url === "http://report.test/") return route.fulfill({ contentType: "text/html", body: text });
      problems.push(url);
      return route.abort();
    });
    await page.goto("http://report.test/");
  }, 60_000);
  afterAll(async () => browser?.close());

  it.each([
    ["light", 1200],
    ["dark", 1200],
    ["light", 360],
  ] as const)(
    "has every section, no error, no request and nothing that keeps people out: %s, %d pixels",
    async (colorScheme, width) => {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      for (const id of SECTIONS) expect(await page.locator(`#${id}`).isVisible(), id).toBe(true);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
      expect(await axeViolations(page)).toEqual([]);
      expect(problems).toEqual([]);
    },
  );
});
