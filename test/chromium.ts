import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, chromium, type Page } from "playwright-core";
import { describe } from "vitest";

/** Where Debian, others and the user put it. */
const BROWSERS = [process.env["CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = BROWSERS.find((path) => path !== undefined && existsSync(path));

/** Tests that need a browser; skipped, with the reason, where there is none. */
export function describeInChromium(what: string, tests: () => void): void {
  const group = executablePath === undefined ? describe.skip : describe;
  group(`${what}${executablePath === undefined ? " (skipped: there is none; apt-get install chromium)" : ""}`, tests);
}

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: executablePath!, args: ["--no-sandbox"] });
}

/** What axe-core finds against a page: rule and place. */
export async function axeViolations(page: Page): Promise<readonly string[]> {
  // A page that allows scripts of its own alone takes this all the same: it does not come from the page.
  await page.evaluate(readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8"));
  return page.evaluate(
    "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes[0].html))",
  );
}
