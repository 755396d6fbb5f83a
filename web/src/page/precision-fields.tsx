import { EFFORTS, INFERENCES, RECIPE_CHOICES, STORAGES } from "../choices.ts";
import type { BoltSettings, OnnxSettings } from "../job/job.ts";
import { Checkbox, Select } from "./fields.tsx";

/** How an ONNX file is made. */
export function OnnxFields(props: { readonly value: OnnxSettings; readonly onChange: (value: OnnxSettings) => void }) {
  const { value, onChange } = props;
  return (
    <div class="fields">
      <Select
        label="Precision"
        value={value.recipe}
        choices={RECIPE_CHOICES}
        onChange={(recipe) => onChange({ ...value, recipe })}
      />
      <Select
        label="Effort for accuracy"
        value={value.effort}
        choices={EFFORTS}
        onChange={(effort) => onChange({ ...value, effort })}
      />
    </div>
  );
}

/** How a Bolt file is made. */
export function BoltFields(props: { readonly value: BoltSettings; readonly onChange: (value: BoltSettings) => void }) {
  const { value, onChange } = props;
  return (
    <>
      <div class="fields">
        <Select
          label="Inference (-i)"
          value={value.inference}
          choices={INFERENCES}
          onChange={(inference) => onChange({ ...value, inference })}
        />
        <Select
          label="Storage of weights (-q)"
          value={value.storage ?? ""}
          choices={STORAGES}
          onChange={(word) => onChange({ ...value, storage: word === "" ? undefined : word })}
        />
      </div>
      <Checkbox
        label="Fixed scales of activations, found on the examples (-o true)"
        checked={value.static}
        onChange={(isStatic) => onChange({ ...value, static: isStatic })}
      />
      <Checkbox
        label="Fit weights and biases to the examples (--accuracy best)"
        checked={value.best}
        onChange={(best) => onChange({ ...value, best })}
      />
    </>
  );
}
