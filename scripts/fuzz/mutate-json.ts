import { EXTREMES, mutateBytes } from "./mutate-bytes.ts";
import type { Random } from "./random.ts";

const ODD_VALUES: readonly unknown[] = [null, true, "", "x", [], {}, [[]], 0.5, -1e308, "9".repeat(200), ...EXTREMES];

/** A copy of a JSON text with a few values changed, dropped or moved, sometimes cut or damaged as text. */
export function mutateJson(bytes: Uint8Array, random: Random): Uint8Array {
  if (random.chance(0.25)) return mutateBytes(bytes, random);
  const root = { value: JSON.parse(new TextDecoder().decode(bytes)) as unknown };
  const count = 1 + random.below(3);
  for (let index = 0; index < count; index++) {
    const places = placesOf(root);
    if (places.length > 0) change(random.pick(places), places, random);
  }
  const text = JSON.stringify(root.value) ?? "";
  return new TextEncoder().encode(random.chance(0.03) ? text.replace(/\d/, DEEP) : text);
}

const MOST_DEPTH = 20;

/** Lists in lists, more than a recursive function can follow. */
const DEEP = `${"[".repeat(60_000)}${"]".repeat(60_000)}`;

interface Place {
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

/** Every value inside `holder`, lists too, down to some depth. */
function placesOf(holder: object, depth = 0): Place[] {
  if (depth > MOST_DEPTH) return [];
  return Object.entries(holder).flatMap(([key, value]) => [
    { holder: holder as Record<string, unknown>, key },
    ...(typeof value === "object" && value !== null ? placesOf(value, depth + 1) : []),
  ]);
}

function change({ holder, key }: Place, all: readonly Place[], random: Random): void {
  const kind = random.below(5);
  const other = random.pick(all);
  if (kind < 2) holder[key] = structuredClone(random.pick(ODD_VALUES));
  else if (kind === 2) holder[key] = structuredClone(other.holder[other.key]);
  else if (kind === 3 && Array.isArray(holder)) holder.splice(Number(key), 1);
  else if (kind === 3) delete holder[key];
  else holder[key] = nested(holder[key], random);
}

function nested(value: unknown, random: Random): unknown {
  const depth = random.pick([1, 2, 70, 500]);
  let wrapped = structuredClone(value);
  for (let level = 0; level < depth; level++) wrapped = [wrapped];
  return wrapped;
}
