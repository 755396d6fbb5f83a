import type { ReportSubject } from "./gather/report-of-comparison.ts";
import type { ReportData } from "./html/report-data.ts";

/**
 * A page about a model and what was made of it, as one HTML file: see `reportHtml`. What gathers, lays out and writes it is loaded when this
 * is called.
 */
export async function makeReport(subject: ReportSubject): Promise<string> {
  const { reportOf } = await import("./gather/report-of-comparison.ts");
  return printReport(await reportOf(subject));
}

/** A report as one HTML file, of data that was gathered otherwise. */
export async function printReport(data: ReportData): Promise<string> {
  const { reportHtml } = await import("./html/report.ts");
  return reportHtml(data);
}
