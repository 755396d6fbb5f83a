import type { TextAgreement } from "../evaluate/text-agreement.ts";

/** Lines about what models make of texts. */
export function describeText(text: TextAgreement | undefined): string[] {
  const { embeddings, tokens } = text ?? {};
  const lines: string[] = [];
  if (embeddings !== undefined) {
    const { cosine, leastCosine, decibels } = embeddings;
    lines.push(`embeddings: cosine ${cosine.toFixed(5)} (least ${leastCosine.toFixed(5)}), ${decibels.toFixed(1)} dB`);
  }
  if (tokens?.agreeing !== undefined) {
    lines.push(`tokens: ${(100 * tokens.agreeing).toFixed(1)} % of ${tokens.count} agree`);
  }
  if (tokens?.perplexity !== undefined) {
    const [reference, model] = tokens.perplexity;
    lines.push(`perplexity: ${[reference, model].flatMap((value) => value?.toFixed(2) ?? []).join(" -> ")}`);
  }
  return lines;
}
