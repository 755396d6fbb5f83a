import { describeWarning, type PlanWarning } from "../quantize/plan.ts";

/** The first few of each kind, on standard error; the others are counted. */
export function printWarnings(warnings: readonly PlanWarning[]): void {
  for (const kind of new Set(warnings.map((warning) => warning.kind))) {
    const alike = warnings.filter((warning) => warning.kind === kind);
    for (const warning of alike.slice(0, SHOWN_WARNINGS))
      process.stderr.write(`warning: ${describeWarning(warning)}\n`);
    const more = alike.length - SHOWN_WARNINGS;
    if (more > 0) process.stderr.write(`warning: ${kind}: ${more} more like this; see all with --json\n`);
  }
}

const SHOWN_WARNINGS = 2;
