import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, it } from "vitest";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "shared");

/** Whether the reference material (real models, golden files) is beside the project. */
export const hasShared: boolean = existsSync(join(root, "golden"));

/** Path of a reference file, such as `golden/bolt/smallcnn/x2bolt_f32.bolt`. */
export function sharedPath(...parts: string[]): string {
  return join(root, ...parts);
}

/** A test group that needs the reference material; where that is absent one skipped test stands for it and says why. */
export function describeWithShared(title: string, body: () => void): void {
  if (hasShared) describe(title, body);
  else describe(title, () => it.skip("needs the reference files in ../shared"));
}
