import type { ReportCard } from "../../../src/report/html/report-data.ts";
import type { MadeFile } from "../job/job.ts";
import type { Run } from "../runs.ts";
import { showBytes } from "./show-bytes.ts";
import { useUrl } from "./use-url.ts";

const STATES: Readonly<Record<Run["state"], string>> = {
  waiting: "waiting",
  running: "working",
  done: "done",
  failed: "failed",
  cancelled: "stopped",
};

/** What became of one model: how far it is, before and after, its files. */
export function RunResult({ run }: { readonly run: Run }) {
  const { files, state, progress, failure, card, made, notes, command } = run;
  const report = made.find(({ what }) => what === "report");
  return (
    <article aria-label={files.model.name} data-state={state}>
      <h3>
        {files.model.name} <small>{STATES[state]}</small>
      </h3>
      {progress && <Progress {...progress} />}
      {failure !== undefined && <p role="alert">{failure}</p>}
      {card && <Card card={card} />}
      {made.length > 0 && (
        <ul class="files">
          {made.map((file) => (
            <li key={file.name}>
              <Download file={file} />
            </li>
          ))}
        </ul>
      )}
      {notes.length > 0 && (
        <details open={notes.some((note) => note.startsWith("Warning"))}>
          <summary>What was done</summary>
          <ul>
            {notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </details>
      )}
      <details>
        <summary>The same on the command line</summary>
        <pre>{command}</pre>
      </details>
      {report && <Report blob={report.blob} />}
    </article>
  );
}

function Progress({ step, done, all }: NonNullable<Run["progress"]>) {
  return (
    <p class="progress" role="status">
      <progress {...(all > 0 ? { value: done, max: all } : {})} aria-label={step} />
      <span>
        {step} {all > 0 && `${done} of ${all}`}
      </span>
    </p>
  );
}

/** Before and after. */
function Card({ card }: { readonly card: ReportCard }) {
  const { names, bytes, milliseconds, agreement, decibels, samples } = card;
  const rows: [string, string, string][] = [];
  if (bytes) rows.push(["Size", showBytes(bytes[0]), `${showBytes(bytes[1])} (${(bytes[0] / bytes[1]).toFixed(2)}×)`]);
  if (milliseconds) {
    const [before, after] = milliseconds;
    rows.push([
      "Time in this browser",
      `${before.toFixed(1)} ms`,
      `${after.toFixed(1)} ms (${(before / after).toFixed(2)}×)`,
    ]);
  }
  if (decibels !== undefined) rows.push(["Signal to noise", "", `${decibels.toFixed(1)} dB`]);
  if (agreement !== undefined) rows.push([`Same answer, of ${samples}`, "", `${(100 * agreement).toFixed(1)} %`]);
  return (
    <table class="card">
      <thead>
        <tr>
          <td />
          <th scope="col">{names[0]}</th>
          <th scope="col">{names[1]}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([what, before, after]) => (
          <tr key={what}>
            <th scope="row">{what}</th>
            <td>{before}</td>
            <td>{after}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Download({ file: { name, what, blob } }: { readonly file: MadeFile }) {
  return (
    <a href={useUrl(blob) ?? ""} download={name} data-what={what}>
      Download the {what}{" "}
      <small>
        {name}, {showBytes(blob.size)}
      </small>
    </a>
  );
}

function Report({ blob }: { readonly blob: Blob }) {
  const url = useUrl(blob);
  return (
    <details class="report">
      <summary>The whole report</summary>
      {url && <iframe title="Report" src={url} sandbox="" />}
    </details>
  );
}
