// Everything about the project but what it does: form, types, dead code, and the package as it would be published. What is
// built in dist/ is checked, so build first. Two checks run at a time, and only what fails is printed.
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "boltq-check-"));
process.on("exit", () => rmSync(folder, { recursive: true }));
const tarball = join(folder, pack(folder));

const waiting = [
  ["biome", "check", "."],
  ["vitest", "run", "test/browser-bundles.test.ts"],
  ["attw", tarball, "--profile", "esm-only", "--no-color"],
  ["knip"],
  ["tsc", "-p", "tsconfig.json"],
  ["tsc", "-p", "tsconfig.web.json"],
  ["tsc", "-p", "web/tsconfig.json"],
  ["tsc", "-p", "web/tsconfig.service-worker.json"],
  ["publint", "--strict", tarball],
  ["typedoc", "--options", "scripts/api-docs/typedoc.json", "--emit", "none"],
];
const installedBeside = { typedoc: "scripts/api-docs" };
await Promise.all([runInTurn(), runInTurn()]);

/** Packs what is built; gives the file's name. */
function pack(destination) {
  const args = ["pack", "--ignore-scripts", "--json", "--pack-destination", destination];
  const npm = process.env.npm_execpath ?? "npm";
  const command = npm.endsWith("js") ? [process.execPath, npm] : [npm];
  const output = execFileSync(command[0], [...command.slice(1), ...args], { encoding: "utf8", stdio: "pipe" });
  return /"filename": "([^"]+)"/.exec(output)[1];
}

async function runInTurn() {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await run(next);
}

function run([program, ...args]) {
  return new Promise((resolve) => {
    execFile(join(installedBeside[program] ?? "", "node_modules", ".bin", program), args, (error, stdout, stderr) => {
      console.log(`${error === null ? "ok  " : "FAIL"}  ${[program, ...args].join(" ")}`);
      if (error !== null) console.log(stdout + stderr);
      if (error !== null) process.exitCode = 1;
      resolve();
    });
  });
}
