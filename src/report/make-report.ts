import type { Image } from "../data/image/image.ts";
import type { ChangedAnswers, Thumbnail } from "./gather/changed-answers.ts";
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

/** Gathers the examples that change their answer, for `onSample` of `compareModels`, and for a report. */
export async function changedAnswers(thumbnail: Thumbnail): Promise<ChangedAnswers> {
  const gathered = await import("./gather/changed-answers.ts");
  return new gathered.ChangedAnswers(thumbnail);
}

/** A picture made small enough to stand in a report. */
export async function shrunkPicture(image: Image): Promise<Image> {
  const { shrunk } = await import("./gather/thumbnail.ts");
  return shrunk(image);
}
