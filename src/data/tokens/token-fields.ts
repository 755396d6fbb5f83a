import { BoltqError } from "../../io/error.ts";
import type { Signature } from "../../onnx/model.ts";
import { TOKEN_IDS } from "./token-inputs.ts";

/** The ids of a text's tokens, special ones included, at most `limit` of them: what comes too much is cut off at the end. */
export type Tokenize = (text: string, limit?: number) => readonly number[];

/** Gives the tokenizer of the model's own; called once, when the first text is met. */
export type OpenTokenizer = () => Promise<Tokenize>;

type Fields = ReadonlyMap<string, unknown>;

/** Whether the fields of an example give a text instead of ids, for a model that reads ids. */
export function givesText(fields: Fields, inputs: readonly Signature[]): boolean {
  return fields.has("text") && !fields.has(TOKEN_IDS) && inputs.some(({ name }) => name === TOKEN_IDS);
}

/** The fields with the ids of their text. Throws `format` where it is no text; `place` is for messages. */
export function withIds(fields: Fields, inputs: readonly Signature[], tokenize: Tokenize, place: string): Fields {
  const text = fields.get("text");
  if (typeof text !== "string") {
    throw new BoltqError("format", '"text" must be a text', { file: place, remedy: 'Write one such as {"text": "…"}' });
  }
  return new Map([...fields, [TOKEN_IDS, tokenize(text, fixedLength(inputs))]]);
}

/** Fields whose ids are padded with 0, and their mask, where the model takes a fixed number of tokens and there are fewer. */
export function paddedFields(fields: Fields, inputs: readonly Signature[]): Fields {
  const [ids, length] = [fields.get(TOKEN_IDS), fixedLength(inputs)];
  if (length === undefined || !isFlat(ids) || ids.length >= length) return fields;
  const pad = (values: readonly unknown[]) => [...values, ...new Array<number>(length - values.length).fill(0)];
  const padded = [...fields].map(
    ([name, value]) => [name, isFlat(value) && value.length === ids.length ? pad(value) : value] as const,
  );
  return new Map([["attention_mask", pad(ids.map(() => 1))], ...padded]);
}

function fixedLength(inputs: readonly Signature[]): number | undefined {
  const size = inputs.find(({ name }) => name === TOKEN_IDS)?.type?.shape?.at(-1);
  return typeof size === "number" ? size : undefined;
}

function isFlat(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && !value.some(Array.isArray);
}
