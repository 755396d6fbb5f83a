import { describeWarning, type PlanWarning } from "../quantize/plan.ts";

const SHOWN_WARNINGS = 2;

/** The first few of each kind, as sentences; the others are counted, and `where` says how to see them. */
export function warningLines(warnings: readonly PlanWarning[], where: string): string[] {
  return [...new Set(warnings.map(({ kind }) => kind))].flatMap((kind) => {
    const alike = warnings.filter((warning) => warning.kind === kind);
    const more = alike.length - SHOWN_WARNINGS;
    return [
      ...alike.slice(0, SHOWN_WARNINGS).map(describeWarning),
      ...(more > 0 ? [`${kind}: ${more} more like this; ${where}`] : []),
    ];
  });
}
