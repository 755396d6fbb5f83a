import type { Sample } from "../data/dataset.ts";
import { TOKEN_IDS } from "../data/tokens/token-inputs.ts";
import { denseTensor, denseValues } from "../graph/dense-values.ts";
import type { DenseTensor } from "../graph/tensor.ts";
import type { NamedTensors } from "../runtime/runtime.ts";
import { TensorError } from "../runtime/tensor-error.ts";

/** How far a model of text is from its reference. */
export interface TextAgreement {
  /** Of models that give embeddings; undefined without a reference. */
  readonly embeddings: EmbeddingAgreement | undefined;
  /** Of models that give a score for each word of their vocabulary. */
  readonly tokens: TokenAgreement | undefined;
}

/** Embeddings of whole texts: hidden states are averaged over the tokens that are no padding. */
export interface EmbeddingAgreement {
  /** Mean over the texts of the cosine of the angle between the two embeddings. */
  readonly cosine: number;
  /** The cosine of the text where it is least. */
  readonly leastCosine: number;
  /** Power of the reference's embeddings over power of the differences, in dB. */
  readonly decibels: number;
}

/** Scores of words, over all tokens that are no padding. */
export interface TokenAgreement {
  readonly count: number;
  /** Share of places where both have the highest score for the same word; undefined without a reference. */
  readonly agreeing: number | undefined;
  /**
   * exp of the mean of −log p(next token), of the reference and of the model; undefined for models that do not foretell the
   * next token, as far as can be seen: those that have no cache of keys and values.
   */
  readonly perplexity: readonly [reference: number | undefined, model: number] | undefined;
}

/** Whether the sample is a text. */
export function isText({ inputs }: Sample): boolean {
  return inputs.has(TOKEN_IDS);
}

/** Gathers what two models, or one, make of texts. */
export class TextTally {
  readonly #pooled = new TensorError();
  #texts = 0;
  #cosines = 0;
  #leastCosine = 1;
  #tokens = 0;
  #agreeing = 0;
  #foretold = 0;
  readonly #surprise: [number, number] = [0, 0];
  #hasReference = false;

  /** Takes up the outputs of the reference, where there is one, and of the model. What is no output of text is left out. */
  add(sample: Sample, reference: NamedTensors | undefined, outputs: NamedTensors): void {
    const tokens = tokensOf(sample);
    const name = scoresOf(outputs, tokens) ?? embeddingOf(outputs, tokens);
    const [output, expected] = [outputs.get(name ?? ""), reference?.get(name ?? "")];
    if (output === undefined) return;
    this.#hasReference ||= expected !== undefined;
    if (name === SCORES) this.#addScores(tokens, expected, output, hasCache(outputs));
    else if (expected?.data.length === output.data.length) this.#addEmbeddings(tokens, expected, output);
  }

  #addEmbeddings(tokens: Tokens, expected: DenseTensor, output: DenseTensor): void {
    const [left, right] = [pooled(expected, tokens), pooled(output, tokens)];
    left.forEach((embedding, row) => {
      const [one, other] = [embedding, right[row]!].map((values) => denseTensor("float32", [1, values.length], values));
      const single = new TensorError();
      single.add(one!, other!);
      this.#pooled.add(one!, other!);
      const { cosine } = single.summary();
      this.#texts += 1;
      this.#cosines += cosine;
      this.#leastCosine = Math.min(this.#leastCosine, cosine);
    });
  }

  #addScores({ ids, mask }: Tokens, expected: DenseTensor | undefined, output: DenseTensor, foretells: boolean): void {
    const scores = denseValues(output);
    const references = expected === undefined ? undefined : denseValues(expected);
    const [, length, words] = output.shape as [number, number, number];
    for (let place = 0; place < ids.length; place++) {
      if (mask[place] === 0) continue;
      const row = [place * words, words] as const;
      this.#tokens += 1;
      if (references !== undefined && highest(references, ...row) === highest(scores, ...row)) this.#agreeing += 1;
      const isLast = (place + 1) % length === 0 || mask[place + 1] === 0;
      if (!foretells || isLast) continue;
      this.#foretold += 1;
      const next = ids[place + 1]!;
      this.#surprise[1] += surprise(scores, ...row, next);
      if (references !== undefined) this.#surprise[0] += surprise(references, ...row, next);
    }
  }

  /** What was seen; undefined where none of it was a text. */
  summary(): TextAgreement | undefined {
    if (this.#texts === 0 && this.#tokens === 0) return undefined;
    return { embeddings: this.#embeddings(), tokens: this.#tokenAgreement() };
  }

  #embeddings(): EmbeddingAgreement | undefined {
    if (this.#texts === 0) return undefined;
    const { decibels } = this.#pooled.summary();
    return { cosine: this.#cosines / this.#texts, leastCosine: this.#leastCosine, decibels };
  }

  #tokenAgreement(): TokenAgreement | undefined {
    if (this.#tokens === 0) return undefined;
    const [reference, model] = this.#surprise.map((sum) => Math.exp(sum / this.#foretold)) as [number, number];
    return {
      count: this.#tokens,
      agreeing: this.#hasReference ? this.#agreeing / this.#tokens : undefined,
      perplexity: this.#foretold === 0 ? undefined : [this.#hasReference ? reference : undefined, model],
    };
  }
}

interface Tokens {
  readonly rows: number;
  readonly length: number;
  readonly ids: ArrayLike<number>;
  /** 1 for a token, 0 for padding. */
  readonly mask: ArrayLike<number>;
}

function tokensOf({ inputs }: Sample): Tokens {
  const tensor = inputs.get(TOKEN_IDS)!;
  const ids = denseValues(tensor);
  const mask = inputs.get("attention_mask");
  const length = tensor.shape.at(-1) ?? 1;
  return {
    rows: ids.length / length,
    length,
    ids,
    mask: mask === undefined ? new Uint8Array(ids.length).fill(1) : denseValues(mask),
  };
}

/** As transformers names a score for each word. */
const SCORES = "logits";

function scoresOf(outputs: NamedTensors, { rows, length }: Tokens): string | undefined {
  const shape = outputs.get(SCORES)?.shape;
  return shape?.length === 3 && shape[0] === rows && shape[1] === length ? SCORES : undefined;
}

/** The output that is an embedding: that of whole sentences, or else the first of hidden states or of a row for each text. */
function embeddingOf(outputs: NamedTensors, { rows, length }: Tokens): string | undefined {
  if (outputs.has("sentence_embedding")) return "sentence_embedding";
  for (const [name, { shape, type }] of outputs) {
    const fits = shape[0] === rows && (shape.length === 2 || (shape.length === 3 && shape[1] === length));
    if (fits && type.startsWith("float")) return name;
  }
  return undefined;
}

const hasCache = (outputs: NamedTensors) => [...outputs.keys()].some((name) => name.startsWith("present"));

/** An embedding for each row: rows as they are, hidden states averaged over the tokens that are no padding. */
function pooled(tensor: DenseTensor, { rows, length, mask }: Tokens): Float64Array[] {
  const values = denseValues(tensor);
  const width = tensor.shape.at(-1)!;
  const places = tensor.shape.length === 2 ? 1 : length;
  return Array.from({ length: rows }, (_, row) => {
    const sum = new Float64Array(width);
    let count = 0;
    for (let place = row * places; place < (row + 1) * places; place++) {
      if (places > 1 && mask[place] === 0) continue;
      count += 1;
      for (let index = 0; index < width; index++) sum[index]! += values[place * width + index]!;
    }
    return sum.map((value) => value / Math.max(1, count));
  });
}

function highest(scores: ArrayLike<number>, start: number, count: number): number {
  let best = start;
  for (let index = start + 1; index < start + count; index++) if (scores[index]! > scores[best]!) best = index;
  return best - start;
}

/** −log of the probability that the scores of one place give to `word`. */
function surprise(scores: ArrayLike<number>, start: number, count: number, word: number): number {
  const most = scores[start + highest(scores, start, count)]!;
  let sum = 0;
  for (let index = start; index < start + count; index++) sum += Math.exp(scores[index]! - most);
  return Math.log(sum) + most - (scores[start + word] ?? Number.NEGATIVE_INFINITY);
}
