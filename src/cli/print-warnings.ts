import type { PlanWarning } from "../quantize/plan.ts";
import { warningLines } from "../report/warning-lines.ts";

/** The first few of each kind, on standard error; the others are counted. */
export function printWarnings(warnings: readonly PlanWarning[]): void {
  for (const line of warningLines(warnings, "see all with --json")) process.stderr.write(`warning: ${line}\n`);
}
