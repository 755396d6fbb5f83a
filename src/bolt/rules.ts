import type { BoltVersion } from "./version.ts";

/** Whose tools' rules a file follows: those of Bolt 1.3.0 for its own version, those of Bolt 1.5 for every other. */
export type BoltRules = "1.3.0" | "1.5";

export function rulesOf(version: BoltVersion): BoltRules {
  return version === 20220126 ? "1.3.0" : "1.5";
}
