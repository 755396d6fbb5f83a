import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import * as ort from "onnxruntime-web/wasm";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { memoryTarget } from "../src/io/target.ts";
import * as boltq from "../src/node.ts";
import type { OnnxModel } from "../src/onnx/model.ts";
import { writeOnnx } from "../src/onnx/write.ts";
import { toInt8Onnx } from "./browser-work.ts";
import { axeViolations, describeInChromium, launchChromium } from "./chromium.ts";
import { picture, pictureNetwork } from "./models/picture-network.ts";
import { smallExample, smallNetwork } from "./models/small-network.ts";
import { runProgram } from "./program.ts";
import { type ServedApp, serveApp } from "./served-app.ts";

const BUILT = join(import.meta.dirname, "..", "dist", "ui");
const FIRST_LOAD_BYTES = 60_000;
const PICTURES = 20;

async function bytesOf(model: OnnxModel): Promise<Buffer> {
  const target = memoryTarget();
  await writeOnnx(model, target);
  return Buffer.from(target.result());
}

interface NamedFile {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

function file(name: string, bytes: Uint8Array): NamedFile {
  return { name, mimeType: "", buffer: Buffer.from(bytes) };
}

const pictures = Array.from({ length: PICTURES }, (_, index) => picture(index + 1));
const pictureFiles = pictures.map((bytes, index) => file(`${10 + index}.png`, bytes));

describeInChromium("the app, as boltq ui serves it", () => {
  let folder: string;
  let app: ServedApp;
  let address: string;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  /** Paths that were asked for, addresses of other origins, and what the console says. */
  let asked: string[];
  let strangers: string[];
  let problems: string[];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "boltq-app-"));
    app = await serveApp();
    address = app.address;
    browser = await launchChromium();
    ort.env.wasm.numThreads = 1;
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    app?.close();
    rmSync(folder, { recursive: true });
  });
  beforeEach(async () => {
    [asked, strangers, problems] = [[], [], []];
    context = await browser.newContext();
    await context.route(
      (url) => !url.href.startsWith(address),
      (route) => {
        strangers.push(route.request().url());
        return route.abort();
      },
    );
    page = await context.newPage();
    page.on("request", (request) => asked.push(request.url().slice(address.length)));
    page.on("console", (message) => problems.push(message.text()));
    page.on("pageerror", (error) => problems.push(error.message));
    await page.goto(address);
    await page.getByRole("button", { name: "Quantize" }).waitFor();
  });
  afterEach(async () => {
    await context.close();
    expect(strangers).toEqual([]);
    expect(problems).toEqual([]);
  });

  const choose = (label: string, files: readonly NamedFile[]) =>
    page
      .locator("label.drop:visible", { hasText: label })
      .locator("input")
      .setInputFiles([...files]);
  const quantize = () => page.getByRole("button", { name: "Quantize" }).click();
  const ended = (name: string, state: string) =>
    page.locator(`article[aria-label="${name}"][data-state=${state}]`).waitFor();
  const usesRuntime = () => asked.some((path) => path.endsWith(".wasm"));

  /** The bytes behind a link of a model's result. */
  async function download(model: string, what: string): Promise<Buffer> {
    const link = page.locator(`article[aria-label="${model}"] a[data-what="${what}"]`);
    const [started] = await Promise.all([page.waitForEvent("download"), link.click()]);
    return readFileSync(await started.path());
  }

  it("starts small", () => {
    const bytes = asked.map((path) => gzipSync(readFileSync(join(BUILT, path === "" ? "index.html" : path))).length);
    expect(bytes.length).toBeGreaterThan(1);
    expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(FIRST_LOAD_BYTES);
  });

  it("makes the .bolt file that the programs make, of two models, without ONNX Runtime", async () => {
    const models = new Map([
      ["small.onnx", await bytesOf(smallNetwork())],
      ["other.onnx", await bytesOf(pictureNetwork())],
    ]);
    await choose(
      "Models",
      [...models].map(([name, bytes]) => file(name, bytes)),
    );
    await page.getByLabel("It will run in").selectOption("bolt");
    await quantize();
    for (const [name, bytes] of models) {
      await ended(name, "done");
      const stem = name.replace(".onnx", "");
      writeFileSync(join(folder, name), bytes);
      expect(runProgram("x2bolt", "-d", folder, "-m", stem, "-i", "PTQ", "--no-check").status).toBe(0);
      expect(runProgram("post_training_quantization", "-p", join(folder, `${stem}_ptq_input.bolt`)).status).toBe(0);
      const [made] = readdirSync(folder).filter((each) => each.startsWith(stem) && /_q\.bolt$/.test(each));
      expect((await download(name, "model")).equals(readFileSync(join(folder, made!)))).toBe(true);
    }
    expect(usesRuntime()).toBe(false);
  });

  it("makes an int8 ONNX model of pictures as Node does with onnxruntime-web, and measures it", async () => {
    const onnx = await bytesOf(pictureNetwork());
    await choose("Models", [file("small.onnx", onnx)]);
    await choose("Examples", pictureFiles);
    await page.getByLabel("Pictures become inputs as").selectOption("unit");
    await page.locator("figcaption", { hasText: "20 examples; the network sees numbers from 0" }).waitFor();
    expect(usesRuntime()).toBe(false);
    await page.getByLabel("Effort for accuracy").selectOption("fast");
    await quantize();
    await ended("small.onnx", "done");
    const expected = await toInt8Onnx(boltq, boltq.runtimeOf(ort), onnx, pictures, "fast");
    expect((await download("small.onnx", "model")).equals(expected)).toBe(true);
    for (const row of ["Size", "Time in this browser", "Signal to noise"])
      expect(await page.getByRole("row", { name: new RegExp(`^${row} .*(MB|kB|ms|dB)`) }).count()).toBe(1);
    const report = `${await download("small.onnx", "report")}`;
    for (const heading of [
      "Before and after",
      "Where it was lost",
      "What becomes of each operator",
      "Values and where they are cut",
    ])
      expect(report).toContain(heading);
    const plan = boltq.parsePlan(`${await download("small.onnx", "plan")}`, "plan");
    expect(plan.weights.map(({ type }) => type)).toContain("int8");
    expect(JSON.parse(`${await download("small.onnx", "recipe")}`)).toEqual(boltq.RECIPES["int8"]);
    expect(await axeViolations(page)).toEqual([]);
  });

  it("says the command that makes the same", async () => {
    await choose("Models", [file("small.onnx", await bytesOf(pictureNetwork()))]);
    await choose("Examples", pictureFiles);
    await page.getByLabel("Pictures become inputs as").selectOption("unit");
    await page.getByLabel("Effort for accuracy").selectOption("fast");
    await quantize();
    await ended("small.onnx", "done");
    await page.getByText("The same on the command line").click();
    const command = await page.locator("article pre").innerText();
    const examples = join(folder, "pictures");
    const input = join(folder, "small.onnx");
    writeFileSync(input, await bytesOf(pictureNetwork()));
    mkdirSync(examples);
    for (const { name, buffer } of pictureFiles) writeFileSync(join(examples, name), buffer);
    const output = join(folder, "made.onnx");
    const [program, ...words] = command.split(" ");
    expect(program).toBe("boltq");
    const args = words.map((word, index) =>
      word === "small.onnx" ? input : word === "EXAMPLES" ? examples : words[index - 1] === "-o" ? output : word,
    );
    expect(runProgram("boltq", ...args)).toMatchObject({ status: 0 });
    const planOf = async (model: boltq.Model) => (await boltq.summarizeModel(model)).operators.map(({ type }) => type);
    const made = await download("small.onnx", "model");
    expect(await planOf(await boltq.readModel(boltq.memorySource(made)))).toEqual(
      await planOf(await boltq.readModel(boltq.memorySource(readFileSync(output)))),
    );
  });

  it("says what is wrong with files, and goes on with the next model", async () => {
    const good = await bytesOf(smallNetwork());
    await choose("Models", [file("bad.onnx", good.subarray(0, good.length / 2)), file("small.onnx", good)]);
    await choose("Examples", [file("notes.txt", Buffer.from("hello"))]);
    await page.getByRole("alert").filter({ hasText: "Not known by their names: notes.txt" }).waitFor();
    await quantize();
    await ended("bad.onnx", "failed");
    expect(await page.locator('article[aria-label="bad.onnx"] [role=alert]').innerText()).toContain("bad.onnx");
    await ended("small.onnx", "failed");
    const missing = page.locator('article[aria-label="small.onnx"] [role=alert]');
    expect(await missing.innerText()).toContain("need examples");
  });

  it("stops when told to, and can begin anew", async () => {
    await choose("Models", [file("small.onnx", await bytesOf(pictureNetwork()))]);
    await choose("Examples", pictureFiles);
    await quantize();
    await page.getByRole("button", { name: "Cancel" }).click();
    await ended("small.onnx", "cancelled");
    expect(await page.locator("a[data-what=report]").count()).toBe(0);
    await page.getByLabel("Effort for accuracy").selectOption("fast");
    await quantize();
    await ended("small.onnx", "done");
  });

  it("works without a network once it was loaded", async () => {
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)");
    await context.setOffline(true);
    await page.reload();
    await choose("Models", [file("small.onnx", await bytesOf(pictureNetwork()))]);
    await page.getByLabel("It will run in").selectOption("bolt");
    await quantize();
    await ended("small.onnx", "done");
    await page.getByLabel("It will run in").selectOption("ort");
    await choose("Examples", pictureFiles);
    await quantize();
    await ended("small.onnx", "failed");
    expect(await page.locator("article [role=alert]").innerText()).toContain("Go online once");
    await context.setOffline(false);
    await page.reload();
    const calibrate = async () => {
      await choose("Models", [file("small.onnx", await bytesOf(pictureNetwork()))]);
      await choose("Examples", pictureFiles);
      await page.getByLabel("Effort for accuracy").selectOption("fast");
      await quantize();
      await ended("small.onnx", "done");
    };
    await calibrate();
    await context.setOffline(true);
    await page.reload();
    await calibrate();
    await context.setOffline(false);
    problems = problems.filter((problem) => !problem.includes("ERR_INTERNET_DISCONNECTED"));
  });

  it("calibrates a .bolt model on arrays", async () => {
    await choose("Models", [file("small.onnx", await bytesOf(smallNetwork()))]);
    await choose(
      "Examples",
      [1, 2, 3].map((seed) => file(`${seed}.npy`, smallExample(seed))),
    );
    await page.getByLabel("It will run in").selectOption("bolt");
    await page.getByLabel("Fixed scales of activations").check();
    await quantize();
    await ended("small.onnx", "done");
    const table = JSON.parse(`${await download("small.onnx", "scale table")}`);
    expect(table.quantization).toBe("static");
    expect(Object.keys(table).length).toBeGreaterThan(1);
  });

  it("shows what a model holds, and how two differ", async () => {
    const [small, other] = [await bytesOf(smallNetwork()), await bytesOf(pictureNetwork())];
    await page.getByRole("link", { name: "Inspect" }).click();
    await choose("Model", [file("small.onnx", small)]);
    await page.getByRole("caption").filter({ hasText: "4 operators" }).waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await page.getByRole("link", { name: "Diff" }).click();
    await choose("First model", [file("small.onnx", small)]);
    await choose("Second model", [file("small.onnx", small)]);
    await page.getByText("No difference.").waitFor();
    await choose("Second model", [file("other.onnx", other)]);
    await page.getByRole("caption").filter({ hasText: "differences" }).waitFor();
    expect(await axeViolations(page)).toEqual([]);
  });
});
