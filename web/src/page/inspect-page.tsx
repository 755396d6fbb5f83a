import { useState } from "preact/hooks";
import type { ModelSummary, TensorSummary } from "../../../src/report/summary.ts";
import { MODEL_SUFFIXES, tellApart } from "../chosen-files.ts";
import type { InspectJob } from "../job/job.ts";
import { Section } from "./fields.tsx";
import { FileDrop } from "./file-drop.tsx";
import { Rows } from "./rows.tsx";
import { showBytes } from "./show-bytes.ts";
import { useAnswer } from "./use-answer.ts";

/** Shows what a model holds. */
export function InspectPage() {
  const [job, setJob] = useState<InspectJob>();
  const { answer, failure, isWorking } = useAnswer(job, "summary");
  const take = (chosen: readonly File[]) => {
    const [files] = tellApart(chosen).models;
    if (files !== undefined) setJob({ kind: "inspect", files });
  };
  return (
    <Section title="What a model holds">
      <FileDrop label="Model" hint="ONNX, Bolt, TFLite, Caffe, TensorFlow" suffixes={MODEL_SUFFIXES} onFiles={take} />
      {isWorking && <p role="status">Reading {job?.files.model.name} …</p>}
      {failure !== undefined && <p role="alert">{failure}</p>}
      {answer && <Summary name={job!.files.model.name} summary={answer.summary} />}
    </Section>
  );
}

function Summary({ name, summary }: { readonly name: string; readonly summary: ModelSummary }) {
  const { format, header, inputs, outputs, operators, weights } = summary;
  const bytes = weights.reduce((sum, weight) => sum + weight.bytes + weight.vectorBytes, 0);
  return (
    <article aria-label={name}>
      <h3>{name}</h3>
      <dl>
        <dt>format</dt>
        <dd>{format}</dd>
        {Object.entries(header).map(([field, value]) => [
          <dt key={field}>{field}</dt>,
          <dd key={`${field}=`}>{value}</dd>,
        ])}
        <dt>inputs</dt>
        <dd>{inputs.map(describeTensor).join("; ")}</dd>
        <dt>outputs</dt>
        <dd>{outputs.map(describeTensor).join("; ")}</dd>
      </dl>
      <Rows
        caption={`${operators.length} operators`}
        head={["operator", "type", "reads", "gives"]}
        rows={operators.map((each) => [each.name, each.type, each.inputs.join(", "), each.outputs.join(", ")])}
      />
      <Rows
        caption={`${weights.length} weights, ${showBytes(bytes)}`}
        head={["weight", "type", "shape", "bytes", "least", "most"]}
        rows={weights.map((weight) => [
          weight.name,
          weight.type,
          weight.shape.join("×"),
          `${weight.bytes + weight.vectorBytes}`,
          weight.minimum?.toPrecision(4) ?? "",
          weight.maximum?.toPrecision(4) ?? "",
        ])}
      />
    </article>
  );
}

function describeTensor({ name, type, shape }: TensorSummary): string {
  return [name, type, shape && `[${shape.map((size) => size ?? "?").join(", ")}]`].filter(Boolean).join(" ");
}
