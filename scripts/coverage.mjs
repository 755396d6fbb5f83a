// Which lines and branches of src/ the tests reach, those included that only the programs reach which tests start. Further
// arguments go to vitest: npm run coverage -- src/onnx. Without them the least shares are required.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { eachMapping, TraceMap } from "@jridgewell/trace-mapping";

const LEAST = { lines: 90, branches: 80 };
const FOLDER = "coverage";
const PROGRAMS = join(FOLDER, "programs");

rmSync(FOLDER, { recursive: true, force: true });
run(process.execPath, ["scripts/build.mjs"], { SOURCE_MAPS: "1" });
const chosen = process.argv.slice(2);
const options = ["--coverage.enabled", "--coverage.reporter=json", "--coverage.include=src/**/*.ts"];
const { status } = run("node_modules/.bin/vitest", ["run", ...options, ...chosen], { PROGRAM_COVERAGE: PROGRAMS });

const reached = reachedByPrograms();
const files = Object.values(JSON.parse(readFileSync(join(FOLDER, "coverage-final.json"), "utf8")));
const rows = files.map((file) => ({
  name: relative("src", file.path),
  ...countsOf(file, reached.get(file.path) ?? new Set()),
}));
for (const room of new Set(rows.map(({ name }) => dirname(name)))) {
  print(room, sum(rows.filter(({ name }) => dirname(name) === room)));
}
const total = sum(rows);
print("all", total);
const enough = Object.entries(LEAST).every(([kind, least]) => percent(total[kind]) >= least);
if (status !== 0 || (chosen.length === 0 && !enough)) process.exitCode = 1;

function run(command, args, variables) {
  return spawnSync(command, args, { stdio: "inherit", env: { ...process.env, ...variables } });
}

/** Lines of sources that ran in programs which tests started, by path. */
function reachedByPrograms() {
  const lines = new Map();
  const maps = new Map();
  for (const name of existsSync(PROGRAMS) ? readdirSync(PROGRAMS) : []) {
    const { result } = JSON.parse(readFileSync(join(PROGRAMS, name), "utf8"));
    for (const { url, functions } of result.filter(({ url }) => url.includes("/dist/bin/"))) {
      const path = fileURLToPath(url);
      if (!existsSync(`${path}.map`)) continue;
      if (!maps.has(path)) maps.set(path, mappingsOf(path));
      const { length, mappings } = maps.get(path);
      const ran = ranPlaces(functions, length);
      for (const { offset, source, line } of mappings) {
        if (ran[offset] === 0) continue;
        if (!lines.has(source)) lines.set(source, new Set());
        lines.get(source).add(line);
      }
    }
  }
  return lines;
}

/** The length of a built file, and where each piece of it comes from. */
function mappingsOf(path) {
  const starts = [0];
  for (const line of readFileSync(path, "utf8").split("\n")) starts.push(starts.at(-1) + line.length + 1);
  const mappings = [];
  eachMapping(
    new TraceMap(readFileSync(`${path}.map`, "utf8")),
    ({ generatedLine, generatedColumn, source, originalLine }) => {
      if (source === null) return;
      mappings.push({
        offset: starts[generatedLine - 1] + generatedColumn,
        source: resolve(dirname(path), source),
        line: originalLine,
      });
    },
  );
  return { length: starts.at(-1), mappings };
}

/** For each place of a built file whether it ran: what the innermost range around it says. */
function ranPlaces(functions, length) {
  const ran = new Uint8Array(length);
  const ranges = functions.flatMap((each) => each.ranges);
  ranges.sort((left, right) => right.endOffset - right.startOffset - (left.endOffset - left.startOffset));
  for (const { startOffset, endOffset, count } of ranges) ran.fill(Number(count > 0), startOffset, endOffset);
  return ran;
}

/** Lines and branches of a file, and how many of them were reached. */
function countsOf({ statementMap, s, branchMap, b }, more) {
  const lines = new Map();
  for (const [id, { start }] of Object.entries(statementMap)) {
    lines.set(start.line, (lines.get(start.line) ?? false) || s[id] > 0 || more.has(start.line));
  }
  const branches = Object.entries(branchMap).flatMap(([id, { loc, locations }]) =>
    // Of what programs reach only lines are known: an arm on the line of the branch itself may not have been taken.
    locations.map(({ start }, arm) => b[id][arm] > 0 || (start.line > loc.start.line && more.has(start.line))),
  );
  return { lines: shareOf([...lines.values()]), branches: shareOf(branches) };
}

function shareOf(flags) {
  return { reached: flags.filter(Boolean).length, all: flags.length };
}

function sum(rows) {
  const add = (kind) => ({
    reached: rows.reduce((total, row) => total + row[kind].reached, 0),
    all: rows.reduce((total, row) => total + row[kind].all, 0),
  });
  return { lines: add("lines"), branches: add("branches") };
}

function percent({ reached: some, all }) {
  return all === 0 ? 100 : (100 * some) / all;
}

function print(name, { lines, branches }) {
  console.log(
    `${name.padEnd(32)} lines ${percent(lines).toFixed(1).padStart(5)} %  branches ${percent(branches).toFixed(1).padStart(5)} %`,
  );
}
