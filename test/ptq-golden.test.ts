import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readBolt } from "../src/bolt/read.ts";
import { writeBolt } from "../src/bolt/write.ts";
import { memorySource } from "../src/io/bytes.ts";
import { BoltqError } from "../src/io/error.ts";
import { memoryTarget } from "../src/io/target.ts";
import { type QuantizeBoltOptions, quantizeBolt } from "../src/quantize/bolt/quantize.ts";
import { parseInference, parseStorage } from "../src/quantize/bolt/recipe.ts";
import { parseScaleTable } from "../src/quantize/parse-scale-table.ts";
import { describeWithShared, sharedPath } from "./shared.ts";

/** One output of Bolt's tool: the input, the options, and what came out. */
interface Case {
  readonly title: string;
  readonly input: string;
  readonly options: QuantizeBoltOptions;
  /** Bytes, or their hash where the file itself is not at hand. */
  readonly expected: Uint8Array | string;
  /** (offset, length) of bytes that Bolt leaves uninitialised. */
  readonly masks: readonly (readonly [number, number])[];
}

function read(path: string): Uint8Array {
  return new Uint8Array(readFileSync(path));
}

function readJson(path: string) {
  return JSON.parse(readFileSync(path, "utf8"));
}

function subfolders(...path: string[]): string[] {
  return readdirSync(sharedPath(...path), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [entry.name] : [],
  );
}

/** `i_INT8_q_FP16_b_false_s_static_threshold_0.01` as options. */
function optionsOfName(name: string, folder: string, model: string): QuantizeBoltOptions {
  const words =
    name
      .replace(/__.*$/, "")
      .match(/(i_(?:INT8_FP16|INT8_FP32|[A-Z0-9]+)|q_[A-Z0-9]+|b_false|s_[a-z]+|c_[\d.]+|threshold_[\d.]+)/g) ?? [];
  const given = new Map(
    words.map((word): [string, string] => [word.slice(0, word.indexOf("_")), word.slice(word.indexOf("_") + 1)]),
  );
  const table = given.get("s");
  return {
    asBolt: true,
    ...(given.has("i") ? { inference: parseInference(given.get("i")!) } : {}),
    ...(given.has("q") ? { storage: parseStorage(given.get("q")!) } : {}),
    ...(given.has("b") ? { fuseBatchNorm: false } : {}),
    ...(given.has("threshold") ? { errorThreshold: Number(given.get("threshold")) } : {}),
    ...(table === undefined
      ? {}
      : {
          scaleTable: parseScaleTable(readFileSync(join(folder, `${model}_scale_${table}.json`), "utf8"), table, {
            lenient: true,
          }),
        }),
  };
}

function goldenBolt(): Case[] {
  return subfolders("golden", "bolt").flatMap((model) => {
    const folder = sharedPath("golden", "bolt", model);
    const input = readdirSync(folder).find((file) => file.endsWith("_ptq_input.bolt"))!;
    return readdirSync(folder)
      .filter((file) => /^i_.*__.*\.bolt$/.test(file))
      .map((file) => ({
        title: `bolt/${model}/${file}`,
        input: join(folder, input),
        options: optionsOfName(file, folder, model),
        expected: read(join(folder, file)),
        masks: [],
      }));
  });
}

function goldenOlder(): Case[] {
  return subfolders("golden", "bolt_v1.3").flatMap((model) => {
    const folder = sharedPath("golden", "bolt_v1.3", model);
    const input = readdirSync(folder).find((file) => file.endsWith("_ptq_input.bolt"));
    if (input === undefined) return [];
    const manifest = readJson(join(folder, "manifest.json")) as Record<string, { exit: number; sha256?: string }>;
    return Object.entries(manifest)
      .filter(([file, entry]) => /__.*_q\.bolt$/.test(file) && entry.exit === 0 && entry.sha256 !== undefined)
      .map(([file, entry]) => ({
        title: `bolt_v1.3/${model}/${file}`,
        input: join(folder, input),
        options: optionsOfName(file, folder, model),
        expected: entry.sha256!,
        masks: [],
      }));
  });
}

const OPERATOR_FILES: Readonly<Record<string, QuantizeBoltOptions>> = {
  "int8_q.bolt": { inference: "INT8" },
  "f32_q_int8.bolt": { inference: "FP32", storage: "INT8" },
  "f16.bolt": { inference: "FP16" },
  "int4_q.bolt": { inference: "INT4" },
  "int8_q_b_false.bolt": { inference: "INT8", fuseBatchNorm: false },
};

function goldenOperators(): Case[] {
  return subfolders("golden", "bolt_ops").flatMap((name) => {
    const folder = sharedPath("golden", "bolt_ops", name);
    if (!existsSync(join(folder, "ptq_input.bolt"))) return [];
    const masks = readJson(join(folder, "case.json")).masks ?? {};
    return Object.entries(OPERATOR_FILES)
      .filter(([file]) => existsSync(join(folder, file)))
      .map(([file, options]) => ({
        title: `bolt_ops/${name}/${file}`,
        input: join(folder, "ptq_input.bolt"),
        options: { asBolt: true, ...options },
        expected: read(join(folder, file)),
        masks: masks[file] ?? [],
      }));
  });
}

function goldenModels(): Case[] {
  return subfolders("golden", "bolt_models").flatMap((name) => {
    const folder = sharedPath("golden", "bolt_models", name);
    const input = join(folder, "ptq_input.bolt");
    if (!existsSync(input)) return [];
    const { files, masks } = readJson(join(folder, "model.json")) as {
      files: Record<string, { sha256: string }>;
      masks?: Record<string, [number, number][]>;
    };
    return Object.entries(files)
      .filter(([file]) => /^i_.*__/.test(file))
      .map(([file, { sha256 }]) => ({
        title: `bolt_models/${name}/${file}`,
        input,
        options: optionsOfName(file, folder, name),
        expected: sha256,
        masks: masks?.[file] ?? [],
      }));
  });
}

async function quantized({ input, options, masks }: Case): Promise<Uint8Array> {
  const target = memoryTarget();
  await writeBolt((await quantizeBolt(await readBolt(memorySource(read(input), input)), options)).model, target);
  const result = target.result();
  for (const [offset, length] of masks) result.fill(0, offset, offset + length);
  return result;
}

async function difference(entry: Case): Promise<string | undefined> {
  try {
    const result = await quantized(entry);
    if (typeof entry.expected === "string") {
      return createHash("sha256").update(result).digest("hex") === entry.expected ? undefined : "other bytes (by hash)";
    }
    const expected = entry.expected.slice();
    for (const [offset, length] of entry.masks) expected.fill(0, offset, offset + length);
    if (Buffer.from(result.buffer, result.byteOffset, result.length).equals(expected)) return undefined;
    const first = expected.findIndex((byte, index) => byte !== result[index]);
    return `${result.length} bytes for ${expected.length}, the first difference at ${first}`;
  } catch (error) {
    if (error instanceof BoltqError) return error.message;
    throw error;
  }
}

describeWithShared("post_training_quantization against Bolt's own files", () => {
  const groups: [string, () => Case[]][] = [
    ["golden/bolt", goldenBolt],
    ["golden/bolt_v1.3", goldenOlder],
    ["golden/bolt_ops", goldenOperators],
    ["golden/bolt_models", goldenModels],
  ];
  for (const [title, list] of groups) {
    it(`writes the same bytes for every file of ${title}`, { timeout: 600_000 }, async () => {
      const cases = list();
      const different: string[] = [];
      for (const entry of cases) {
        const found = await difference(entry);
        if (found !== undefined) different.push(`${entry.title}: ${found}`);
      }
      expect(cases.length).toBeGreaterThan(10);
      expect(different).toEqual([]);
    });
  }
});
