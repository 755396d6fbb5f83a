import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { BoltqError } from "../../../io/error.ts";
import type { Tokenize } from "../token-fields.ts";
import { parseTokenizerFile, type TokenizerClass, tokenizerOf } from "../tokenizer.ts";

const PACKAGE = "@huggingface/tokenizers";
const FILE = "tokenizer.json";
const SETTINGS = "tokenizer_config.json";

/** Tokenizers of large models hold half a million words; nothing that is one is longer. */
const MAX_BYTES = 1 << 28;

/** The tokenizer.json that stands beside a model file, or in the folder around its own as transformers.js has it. */
export function tokenizerBeside(model: string): string | undefined {
  const folder = dirname(model);
  return [join(folder, FILE), join(folder, "..", FILE)].find((path) => existsSync(path));
}

/**
 * Opens a tokenizer.json, or that in a folder, with the tokenizer_config.json beside it. Throws `not-found`, `format`,
 * `limit`, or `runtime-missing` where the optional package that reads it is not installed.
 */
export async function openTokenizer(path: string): Promise<Tokenize> {
  const file = statSync(path, { throwIfNoEntry: false })?.isDirectory() ? join(path, FILE) : path;
  const tokenizer = parseTokenizerFile(readText(file), file);
  const beside = join(dirname(file), SETTINGS);
  const settings = existsSync(beside) ? parseTokenizerFile(readText(beside), beside) : {};
  const Tokenizer = await importTokenizer();
  try {
    return tokenizerOf(Tokenizer, tokenizer, settings);
  } catch (cause) {
    throw new BoltqError("format", `this is no tokenizer that ${PACKAGE} can read (${(cause as Error).message})`, {
      file,
      remedy: 'Give the ids of the tokens: {"input_ids": […]}',
      cause,
    });
  }
}

async function importTokenizer(): Promise<TokenizerClass> {
  // The name is not written into the import, so that bundlers leave it alone: the package is optional.
  const name: string = PACKAGE;
  const module: { readonly Tokenizer: TokenizerClass } | undefined = await import(/* @vite-ignore */ name).catch(
    () => undefined,
  );
  if (module !== undefined) return module.Tokenizer;
  throw new BoltqError("runtime-missing", `texts need the package ${PACKAGE}, which is not installed`, {
    remedy: `Type: npm install ${PACKAGE} (or give the ids of the tokens: {"input_ids": […]})`,
  });
}

function readText(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (!stats?.isFile()) {
    throw new BoltqError("not-found", "there is no such file", {
      file,
      remedy: "Give the model's tokenizer.json (--tokenizer)",
    });
  }
  if (stats.size > MAX_BYTES) throw new BoltqError("limit", `a tokenizer has at most ${MAX_BYTES} bytes`, { file });
  return readFileSync(file, "utf8");
}
