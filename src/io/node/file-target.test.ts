import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  createReadStream,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeWhole } from "../target.ts";
import { fileTarget } from "./file-target.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "boltq-target-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (name: string) => join(folder, name);
const bytes = (text: string) => new TextEncoder().encode(text);

async function write(path: string, text: string): Promise<void> {
  const target = fileTarget(path);
  await writeWhole(target, () => target.write(bytes(text)));
}

describe("a file", () => {
  it("appears whole, and not before commit", async () => {
    writeFileSync(at("f"), "old");
    const target = fileTarget(at("f"));
    for (let part = 0; part < 3; part++) await target.write(new Uint8Array(200_000).fill(part + 1));
    expect(readFileSync(at("f"), "utf8")).toBe("old");
    await target.commit();
    const written = readFileSync(at("f"));
    expect(written.length).toBe(600_000);
    expect([0, 199_999, 200_000, 400_000, 599_999].map((place) => written[place])).toEqual([1, 1, 2, 3, 3]);
    expect(readdirSync(folder)).toEqual(["f"]);
  });

  it("leaves no trace when it is aborted, also twice and after commit", async () => {
    writeFileSync(at("f"), "old");
    const target = fileTarget(at("f"));
    await target.write(bytes("new"));
    expect(readdirSync(folder)).toHaveLength(2);
    await target.abort();
    await target.abort();
    expect(readdirSync(folder)).toEqual(["f"]);
    expect(readFileSync(at("f"), "utf8")).toBe("old");
    const done = fileTarget(at("f"));
    await done.write(bytes("new"));
    await done.commit();
    await done.abort();
    expect(readFileSync(at("f"), "utf8")).toBe("new");
  });

  it("is put in place by name alone: another name of the old file keeps it", async () => {
    writeFileSync(at("f"), "old");
    linkSync(at("f"), at("other"));
    await write(at("f"), "new");
    expect(readFileSync(at("other"), "utf8")).toBe("old");
  });

  it("keeps the mode of what it replaces", async () => {
    for (const mode of [0o600, 0o640, 0o755]) {
      writeFileSync(at("f"), "old");
      chmodSync(at("f"), mode);
      await write(at("f"), "new");
      expect(statSync(at("f")).mode & 0o777).toBe(mode);
    }
    await write(at("g"), "new");
    expect(statSync(at("g")).mode & 0o777).toBe(0o666 & ~process.umask());
  });

  it("may have the longest name there is", async () => {
    await write(at("n".repeat(255)), "new");
    expect(readdirSync(folder)[0]).toHaveLength(255);
  });

  it("is refused where a folder is, and where the folder is missing", async () => {
    mkdirSync(at("dir.bolt"));
    expect(() => fileTarget(at("dir.bolt"))).toThrow(/dir\.bolt: this is a folder.*Give the name of a file/);
    expect(() => fileTarget(at("none/f"))).toThrow(expect.objectContaining({ code: "not-found" }));
    expect(() => fileTarget(at("none/f"))).toThrow(/Create the folder first/);
    writeFileSync(at("file"), "");
    expect(() => fileTarget(at("file/f"))).toThrow(expect.objectContaining({ code: "io" }));
    expect(readdirSync(folder).sort()).toEqual(["dir.bolt", "file"]);
  });

  it("tells of a folder that took its place meanwhile, and stays usable", async () => {
    const target = fileTarget(at("f"));
    await target.write(bytes("new"));
    mkdirSync(at("f"));
    await expect(target.commit()).rejects.toThrow(/cannot be put in place/);
    await target.abort();
    expect(readdirSync(folder)).toEqual(["f"]);
  });

  it.skipIf(process.getuid?.() === 0)("is refused where it or its folder is write-protected", () => {
    writeFileSync(at("f"), "old", { mode: 0o444 });
    expect(() => fileTarget(at("f"))).toThrow(expect.objectContaining({ code: "io" }));
    chmodSync(folder, 0o555);
    expect(() => fileTarget(at("g"))).toThrow(/can be written to/);
    chmodSync(folder, 0o755);
  });
});

describe("a link", () => {
  it("stays, and what it leads to is replaced", async () => {
    mkdirSync(at("sub"));
    writeFileSync(at("sub/real"), "old");
    symlinkSync("sub/real", at("link"));
    symlinkSync("link", at("second"));
    await write(at("second"), "new");
    expect([readlinkSync(at("link")), readlinkSync(at("second"))]).toEqual(["sub/real", "link"]);
    expect(readFileSync(at("sub/real"), "utf8")).toBe("new");
    expect(readdirSync(at("sub"))).toEqual(["real"]);
  });

  it("to nothing makes the file; to itself is refused", async () => {
    symlinkSync("real", at("link"));
    await write(at("link"), "new");
    expect(lstatSync(at("link")).isSymbolicLink()).toBe(true);
    expect(readFileSync(at("real"), "utf8")).toBe("new");
    symlinkSync("circle", at("circle"));
    expect(() => fileTarget(at("circle"))).toThrow(expect.objectContaining({ code: "io" }));
  });
});

describe.skipIf(process.platform === "win32")("what is no file", () => {
  it("is written to: /dev/null stays a device", async () => {
    await write("/dev/null", "new");
    expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
  });

  it("is written to: a FIFO, as soon as somebody reads", async () => {
    execFileSync("mkfifo", [at("fifo")]);
    const text = "new".repeat(100_000);
    const writing = write(at("fifo"), text);
    await new Promise((resolve) => setTimeout(resolve, 50));
    let read = "";
    for await (const chunk of createReadStream(at("fifo"), "utf8")) read += chunk;
    await writing;
    expect(read).toBe(text);
    expect(readdirSync(folder)).toEqual(["fifo"]);
    expect(statSync(at("fifo")).isFIFO()).toBe(true);
  });

  it.skipIf(!existsSync("/dev/full"))("tells that a device is full", async () => {
    await expect(write("/dev/full", "new")).rejects.toMatchObject({ code: "io" });
  });

  it("is this process's stdout, also by a link, behind what is there", () => {
    symlinkSync("/dev/stdout", at("out"));
    const code = `await write(${JSON.stringify(at("out"))}, "b"); process.stdout.write("c");`;
    const script = `process.stdout.write("a"); ${WRITE} ${code}`;
    expect(run(script).stdout).toBe("abc");
    execFileSync("sh", ["-c", '"$@" > "$0"', at("file"), process.execPath, ...ARGUMENTS, script]);
    expect(readFileSync(at("file"), "utf8")).toBe("abc");
    expect(lstatSync(at("out")).isSymbolicLink()).toBe(true);
  });
});

/** What a child process needs to write files with this code. */
const ARGUMENTS = ["--import", "tsx", "--input-type=module", "-e"];
const WRITE = `
const { fileTarget } = await import(${JSON.stringify(new URL("./file-target.ts", import.meta.url).href)});
const { writeWhole } = await import(${JSON.stringify(new URL("../target.ts", import.meta.url).href)});
const write = async (path, text) => {
  const target = fileTarget(path);
  await writeWhole(target, () => target.write(new TextEncoder().encode(text)));
};`;

const run = (script: string) => spawnSync(process.execPath, [...ARGUMENTS, script], { encoding: "utf8" });

describe("temporary files", () => {
  it("go when the process ends before commit", () => {
    const script = `${WRITE} await fileTarget(${JSON.stringify(at("f"))}).write(new Uint8Array(1e6)); process.exit(3);`;
    expect(run(script).status).toBe(3);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("of a killed process go when the next one writes there; those of a living one stay", async () => {
    const script = `${WRITE} await fileTarget(${JSON.stringify(at("f"))}).write(new Uint8Array(1e6)); process.kill(process.pid, "SIGKILL");`;
    expect(run(script).signal).toBe("SIGKILL");
    const [left] = readdirSync(folder);
    expect(left).toMatch(/^\.boltq-[0-9a-f]{8}-\d+-[0-9a-f]{12}\.tmp$/);
    const living = left!.replace(/-\d+-/, `-${process.ppid}-`);
    const abandoned = left!.replace(/[0-9a-f]{8}-\d+/, "00000000-1");
    const elsewhere = abandoned.replace(/0(?=\.tmp)|.(?=\.tmp)/, (digit) => (digit === "a" ? "b" : "a"));
    const strange = ".boltq-notes.tmp";
    for (const name of [living, abandoned, elsewhere, strange]) writeFileSync(at(name), "");
    const twoDaysAgo = Date.now() / 1000 - 2 * 24 * 3600;
    for (const name of [abandoned, strange]) utimesSync(at(name), twoDaysAgo, twoDaysAgo);
    await write(at("f"), "new");
    expect(readdirSync(folder).sort()).toEqual([living, elsewhere, strange, "f"].map((name) => basename(name)).sort());
  });
});
