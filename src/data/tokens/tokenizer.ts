import * as v from "valibot";
import { parseJson } from "../../io/json.ts";
import type { Tokenize } from "./token-fields.ts";

/** A tokenizer as @huggingface/tokenizers has it. */
interface Tokenizer {
  encode(text: string): { readonly ids: readonly number[] };
}

/** The constructor of @huggingface/tokenizers: it takes what tokenizer.json and tokenizer_config.json hold. */
export type TokenizerClass = new (tokenizer: object, settings: object) => Tokenizer;

/** Tokens of a text where neither file says how many the model takes. */
const DEFAULT_LIMIT = 1024;

const LIMIT = v.object({ max_length: v.pipe(v.number(), v.integer(), v.minValue(1)) });

/**
 * Turns texts into ids as the files say that stand beside a model of transformers. Longer texts are cut to what the model
 * takes; a special token at the end stays.
 */
export function tokenizerOf(
  Tokenizer: TokenizerClass,
  tokenizer: object,
  settings: { readonly model_max_length?: unknown },
): Tokenize {
  const inner = new Tokenizer(tokenizer, settings);
  const most = limitOf(tokenizer, settings);
  const last = inner.encode("").ids.at(-1);
  return (text, limit = most) => {
    const { ids } = inner.encode(text);
    const length = Math.min(limit, most);
    if (ids.length <= length) return ids;
    return last !== undefined && ids.at(-1) === last ? [...ids.slice(0, length - 1), last] : ids.slice(0, length);
  };
}

function limitOf(tokenizer: { readonly truncation?: unknown }, settings: { readonly model_max_length?: unknown }) {
  const stated = [tokenizer.truncation, { max_length: settings.model_max_length }].flatMap((part) => {
    const { success, output } = v.safeParse(LIMIT, part);
    return success ? [(output as v.InferOutput<typeof LIMIT>).max_length] : [];
  });
  return Math.min(...stated, ...(stated.length === 0 ? [DEFAULT_LIMIT] : []));
}

/** A JSON file of a tokenizer. Throws `format`. */
export function parseTokenizerFile(text: string, file: string): object {
  const value = parseJson(text, file, { duplicates: true });
  return typeof value === "object" && value !== null ? value : {};
}
