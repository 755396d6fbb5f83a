import { describePreprocessing, PRESETS } from "../../../src/data/preprocess/specification.ts";
import type { Target } from "../job/job.ts";
import { isBoltWay, type PictureForm, picturesOf, problemOf, wayFor, waysFor } from "../picture-form.ts";
import { Select, TextField } from "./fields.tsx";

const RESIZES = ["", "stretch", "crop", "letterbox"] as const;
const CHANNELS = ["", "RGB", "BGR", "GRAY"] as const;
const LAYOUTS = ["", "NCHW", "NHWC"] as const;

/** How pictures become inputs. */
export function PictureFields(props: {
  readonly target: Target;
  readonly form: PictureForm;
  readonly onChange: (form: PictureForm) => void;
}) {
  const { target, form, onChange } = props;
  const way = wayFor(target, form);
  const set = (change: Partial<PictureForm>) => onChange({ ...form, ...change });
  const ways = waysFor(target, form).map((word) => ({ word, label: labelOf(word, form) }));
  const problem = problemOf(form);
  return (
    <>
      <Select label="Pictures become inputs as" value={way} choices={ways} onChange={(word) => set({ way: word })} />
      <p class="quiet">{describePreprocessing(picturesOf(target, form).preprocessing)}</p>
      <details>
        <summary>Change single settings</summary>
        <div class="fields">
          {isBoltWay(way) ? (
            <TextField label="Factor (-m)" value={form.factor} hint="1" onInput={(factor) => set({ factor })} />
          ) : (
            <>
              <Select
                label="Resize"
                value={form.resize}
                choices={asIs(RESIZES)}
                onChange={(resize) => set({ resize })}
              />
              <Select
                label="Channels"
                value={form.channels}
                choices={asIs(CHANNELS)}
                onChange={(channels) => set({ channels })}
              />
              <Select
                label="Layout"
                value={form.layout}
                choices={asIs(LAYOUTS)}
                onChange={(layout) => set({ layout })}
              />
              <TextField
                label="Mean, of 0 to 255"
                value={form.mean}
                hint="104,117,123"
                onInput={(mean) => set({ mean })}
              />
              <TextField label="Scale" value={form.scale} hint="0.017" onInput={(scale) => set({ scale })} />
            </>
          )}
          <TextField
            label="Size, where the model leaves it open"
            value={form.size}
            hint="224x224"
            onInput={(size) => set({ size })}
          />
        </div>
      </details>
      {problem && <p role="alert">{problem}</p>}
    </>
  );
}

function labelOf(way: string, { file }: PictureForm): string {
  if (way === "file") return `as ${file!.name} says`;
  return isBoltWay(way) ? `${way} (Bolt's -f)` : `${way}: ${describePreprocessing(PRESETS[way]!)}`;
}

function asIs<Word extends string>(list: readonly Word[]) {
  return list.map((word) => ({ word, label: word === "" ? "as above" : word }));
}
