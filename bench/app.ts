/**
 * How long the app takes from the choice of a model and its pictures to the int8 file, over the command's time for the same, one after
 * the other in turns.
 *
 *   npm run build && npx tsx bench/app.ts
 *
 * Needs ../shared (SqueezeNet and photographs) and Chromium.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { launchChromium } from "../test/chromium.ts";
import { programPath } from "../test/program.ts";
import { serveApp } from "../test/served-app.ts";
import { sharedPath } from "../test/shared.ts";

const MODEL = sharedPath("models/squeezenet_v1.1/squeezenet_v1.1.onnx");
const PHOTOGRAPHS = sharedPath("images/imagenet_val");
const PICTURES = 20;
const ROUNDS = 3;

const folder = mkdtempSync(join(tmpdir(), "boltq-bench-app-"));
const names = readdirSync(PHOTOGRAPHS).sort().slice(0, PICTURES);
for (const name of names) cpSync(join(PHOTOGRAPHS, name), join(folder, name));
const app = await serveApp();
const browser = await launchChromium();
try {
  const ratios: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const [command, page] = [commandSeconds(), await appSeconds(browser)];
    ratios.push(page / command);
    console.log(`command ${command.toFixed(1)} s, app ${page.toFixed(1)} s: ${(page / command).toFixed(2)} ×`);
  }
  console.log(`median ${ratios.sort((left, right) => left - right)[Math.floor(ROUNDS / 2)]!.toFixed(2)} ×`);
} finally {
  await browser.close();
  app.close();
  rmSync(folder, { recursive: true });
}

function commandSeconds(): number {
  const start = performance.now();
  const output = join(tmpdir(), "boltq-bench-app.onnx");
  const args = ["quantize", MODEL, "--data", folder, "--preprocess", "caffe", "-o", output];
  const { status, stderr } = spawnSync(process.execPath, [programPath("boltq"), ...args], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  rmSync(output);
  return (performance.now() - start) / 1000;
}

async function appSeconds(opened: Browser): Promise<number> {
  const page = await opened.newPage();
  await page.goto(app.address);
  await page.getByLabel("Pictures become inputs as").selectOption("caffe");
  const start = performance.now();
  const inputs = page.locator("input[type=file]");
  await inputs.nth(0).setInputFiles(MODEL);
  await inputs.nth(1).setInputFiles(names.map((name) => join(folder, name)));
  await page.getByRole("button", { name: "Quantize" }).click();
  const link = page.locator("a[data-what=model]");
  await link.waitFor({ timeout: 300_000 });
  const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
  await download.path();
  const seconds = (performance.now() - start) / 1000;
  await page.close();
  return seconds;
}
