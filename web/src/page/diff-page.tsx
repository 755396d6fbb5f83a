import { useMemo, useState } from "preact/hooks";
import type { Difference } from "../../../src/report/difference.ts";
import { MODEL_SUFFIXES, tellApart } from "../chosen-files.ts";
import type { DiffJob, ModelFiles } from "../job/job.ts";
import { Section } from "./fields.tsx";
import { FileDrop } from "./file-drop.tsx";
import { Rows } from "./rows.tsx";
import { useAnswer } from "./use-answer.ts";

/** Says how two models differ. */
export function DiffPage() {
  const [first, setFirst] = useState<ModelFiles>();
  const [second, setSecond] = useState<ModelFiles>();
  const job = useMemo<DiffJob | undefined>(
    () => (first === undefined || second === undefined ? undefined : { kind: "diff", first, second }),
    [first, second],
  );
  const { answer, failure, isWorking } = useAnswer(job, "differences");
  return (
    <Section title="How two models differ">
      <div class="drops">
        <ModelDrop label="First model" files={first} onFiles={setFirst} />
        <ModelDrop label="Second model" files={second} onFiles={setSecond} />
      </div>
      {isWorking && <p role="status">Comparing …</p>}
      {failure !== undefined && <p role="alert">{failure}</p>}
      {answer && <Differences found={answer.differences} />}
    </Section>
  );
}

function ModelDrop(props: {
  readonly label: string;
  readonly files: ModelFiles | undefined;
  readonly onFiles: (files: ModelFiles | undefined) => void;
}) {
  const { label, files, onFiles } = props;
  const hint = files?.model.name ?? "ONNX, Bolt, TFLite, Caffe, TensorFlow";
  return (
    <FileDrop
      label={label}
      hint={hint}
      suffixes={MODEL_SUFFIXES}
      onFiles={(chosen) => onFiles(tellApart(chosen).models[0])}
    />
  );
}

function Differences({ found }: { readonly found: readonly Difference[] }) {
  if (found.length === 0) return <p role="status">No difference.</p>;
  return (
    <Rows
      caption={`${found.length} differences`}
      head={["what", "where", "first", "second", "dB"]}
      rows={found.map(({ kind, subject, first, second, decibels }) => [
        kind,
        subject,
        show(first),
        show(second),
        decibels === undefined ? "" : (decibels?.toFixed(2) ?? "other length"),
      ])}
    />
  );
}

function show(side: unknown): string {
  return side === undefined ? "(none)" : typeof side === "string" ? side : JSON.stringify(side);
}
