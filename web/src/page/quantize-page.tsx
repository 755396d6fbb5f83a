import { useRef, useState } from "preact/hooks";
import { parsePreprocessing } from "../../../src/data/preprocess/specification.ts";
import { DEFAULT_BOLT, DEFAULT_ONNX, TARGETS } from "../choices.ts";
import { EXAMPLE_SUFFIXES, MODEL_SUFFIXES, tellApart } from "../chosen-files.ts";
import { commandOf } from "../command.ts";
import type { ModelFiles, Settings, Target } from "../job/job.ts";
import { DEFAULT_PICTURES, type PictureForm, picturesOf, problemOf } from "../picture-form.ts";
import { runJob } from "../run-job.ts";
import { cancelled, heard, type Run, waitingRun } from "../runs.ts";
import { Section, Select } from "./fields.tsx";
import { FileDrop } from "./file-drop.tsx";
import { PictureFields } from "./picture-fields.tsx";
import { BoltFields, OnnxFields } from "./precision-fields.tsx";
import { RunResult } from "./run-result.tsx";
import { SeenPictures } from "./seen-pictures.tsx";

/** Makes models small: files, settings, and what became of each model. */
export function QuantizePage() {
  const [models, setModels] = useState<readonly ModelFiles[]>([]);
  const [examples, setExamples] = useState<readonly File[]>([]);
  const [unknown, setUnknown] = useState<readonly File[]>([]);
  const [target, setTarget] = useState<Target>("ort");
  const [onnx, setOnnx] = useState(DEFAULT_ONNX);
  const [bolt, setBolt] = useState(DEFAULT_BOLT);
  const [form, setForm] = useState(DEFAULT_PICTURES);
  const { runs, start, cancel } = useRuns();

  const settings: Settings = { target, onnx, bolt, pictures: picturesOf(target, form) };
  const isRunning = runs.some(({ state }) => state === "running" || state === "waiting");
  const take = async (files: readonly File[]) => {
    const chosen = tellApart(files);
    if (chosen.models.length > 0) setModels(chosen.models);
    if (chosen.examples.length > 0) setExamples(chosen.examples);
    if (chosen.models.some(({ model }) => model.name.endsWith(".bolt"))) setTarget("bolt");
    const { unknown: strangers, preprocessing } = chosen;
    const stranger = preprocessing && (await readPreprocessing(preprocessing, form, setForm));
    setUnknown(stranger === undefined ? strangers : [...strangers, stranger]);
  };
  return (
    <>
      <Section title="1. Model and examples">
        <div class="drops">
          <FileDrop
            label="Models"
            hint="ONNX, Bolt, TFLite, Caffe, TensorFlow"
            suffixes={MODEL_SUFFIXES}
            onFiles={take}
          />
          <FileDrop
            label="Examples"
            hint="pictures or arrays, as the network will see them; 32 to 100 are enough"
            suffixes={[...EXAMPLE_SUFFIXES, ".json"]}
            onFiles={take}
          />
        </div>
        <p aria-live="polite" data-chosen>
          {describeChosen(models, examples)}
        </p>
        {unknown.length > 0 && (
          <p role="alert">Not known by their names: {unknown.map(({ name }) => name).join(", ")}</p>
        )}
      </Section>
      <Section title="2. What it shall become">
        <Select label="It will run in" value={target} choices={TARGETS} onChange={setTarget} />
        {target === "bolt" ? (
          <BoltFields value={bolt} onChange={setBolt} />
        ) : (
          <OnnxFields value={onnx} onChange={setOnnx} />
        )}
        <PictureFields target={target} form={form} onChange={setForm} />
        {models[0] && examples.length > 0 && (
          <SeenPictures files={models[0]} examples={examples} pictures={settings.pictures} />
        )}
      </Section>
      <Section title="3. Result">
        <p>
          <button
            type="button"
            disabled={models.length === 0 || isRunning || problemOf(form) !== undefined}
            onClick={() => start(models, examples, settings)}
          >
            Quantize
          </button>{" "}
          {isRunning && (
            <button type="button" class="second" onClick={cancel}>
              Cancel
            </button>
          )}
        </p>
        {runs.map((run, index) => (
          <RunResult key={`${index} ${run.files.model.name}`} run={run} />
        ))}
      </Section>
    </>
  );
}

function describeChosen(models: readonly ModelFiles[], examples: readonly File[]): string {
  if (models.length + examples.length === 0) return "Nothing leaves this tab: all work is done in it.";
  const names = models.map(({ model }) => model.name).join(", ") || "no model yet";
  return `${names}; ${examples.length === 0 ? "no examples" : `${examples.length} examples`}`;
}

/** Takes a file's preprocessing into the form; gives the file back if it holds none. */
async function readPreprocessing(
  file: File,
  form: PictureForm,
  setForm: (form: PictureForm) => void,
): Promise<File | undefined> {
  try {
    const preprocessing = parsePreprocessing(await file.text(), file.name);
    setForm({ ...form, way: "file", file: { name: file.name, preprocessing } });
    return undefined;
  } catch {
    return file;
  }
}

/** Runs models one after the other, each in a worker of its own. */
function useRuns() {
  const [runs, setRuns] = useState<readonly Run[]>([]);
  const end = useRef<(() => void) | undefined>(undefined);
  const start = (models: readonly ModelFiles[], examples: readonly File[], settings: Settings) => {
    setRuns(models.map((files) => waitingRun(files, commandOf(files.model.name, settings, examples.length > 0))));
    const next = (index: number) => {
      const files = models[index];
      if (files === undefined) return;
      end.current = runJob({ kind: "quantize", files, examples, settings }, (message) => {
        setRuns((all) => all.map((run, at) => (at === index ? heard(run, message) : run)));
        if (message.kind === "done" || message.kind === "failed") next(index + 1);
      });
    };
    next(0);
  };
  const cancel = () => {
    end.current?.();
    setRuns((all) => all.map(cancelled));
  };
  return { runs, start, cancel };
}
