import type { AccuracyStep } from "../quantize/refine/improve.ts";

/** What a step for accuracy gave, as a line. */
export function describeStep({ name, decibels, kept }: AccuracyStep): string {
  return `${STEP_WORDS[name]}: ${decibels.toFixed(2)} dB on examples held back${kept ? "" : ", so it was undone"}`;
}

const STEP_WORDS: Readonly<Record<AccuracyStep["name"], string>> = {
  plan: "as planned",
  balanced: "inputs of products balanced",
  equalized: "channels equalized",
  refilled: "channels equalized otherwise, layers fitted",
  fitted: "layers fitted",
};
