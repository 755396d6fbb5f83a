import type { Observations } from "./observations.ts";

/** So many times larger than in all others a value is in an example that stands out. */
const MIN_RATIO = 20;

/** With fewer examples nobody can say which one stands out. */
const MIN_EXAMPLES = 3;

/**
 * A warning for each example in which a value reaches 20 times as far as in all others: in int8 little is left of what the
 * others have there. Examples are in the order in which the network shows them.
 */
export function outlierWarnings({ examples, values }: Observations): string[] {
  if (examples.length < MIN_EXAMPLES) return [];
  const found = new Map<string, string[]>();
  for (const [name, { peak }] of values) {
    if (peak === undefined || peak.others === 0 || peak.magnitude < MIN_RATIO * peak.others) continue;
    const places = found.get(peak.example) ?? [];
    places.push(`"${name}" ±${short(peak.magnitude)}, in all others at most ±${short(peak.others)}`);
    found.set(peak.example, places);
  }
  return [...found].map(([example, [first, ...more]]) => {
    const rest = more.length === 0 ? "" : ` (and so in ${more.length} more values)`;
    return `the example "${example}" reaches far beyond the others: in ${first}${rest}. Check it or leave it out, or choose a method that cuts outliers off (mse, percentile)`;
  });
}

function short(value: number): string {
  return `${Number(value.toPrecision(3))}`;
}
