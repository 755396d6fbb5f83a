import { statSync } from "node:fs";
import { showBytes } from "./print.ts";

/**
 * Bytes of a model before and after, as lines; `advice` is what to type when it grew. None where the output is no file.
 */
export function describeSizes(before: number, outputs: readonly string[], advice: string | undefined): string[] {
  const stats = outputs.map((path) => statSync(path));
  if (!stats.every((each) => each.isFile())) return [];
  const after = stats.reduce((sum, { size }) => sum + size, 0);
  const line = `${showBytes(before)} -> ${showBytes(after)} (${before} -> ${after} bytes`;
  if (after <= before) return [`${line}, ${(before / Math.max(1, after)).toFixed(2)}x smaller)`];
  return [`${line}): the file grew${advice === undefined ? "" : `. ${advice}`}`];
}
