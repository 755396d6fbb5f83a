import type { ComponentChildren } from "preact";
import type { Choice } from "../choices.ts";

/** One of several words. */
export function Select<Word extends string>(props: {
  readonly label: string;
  readonly value: Word;
  readonly choices: readonly Choice<Word>[];
  readonly onChange: (word: Word) => void;
}) {
  const { label, value, choices, onChange } = props;
  return (
    <label class="field">
      <span>{label}</span>
      <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value as Word)}>
        {choices.map((choice) => (
          <option key={choice.word} value={choice.word}>
            {choice.label}
          </option>
        ))}
      </select>
    </label>
  );
}

/** A short text; `hint` shows what it may be. */
export function TextField(props: {
  readonly label: string;
  readonly value: string;
  readonly hint: string;
  readonly onInput: (text: string) => void;
}) {
  const { label, value, hint, onInput } = props;
  return (
    <label class="field">
      <span>{label}</span>
      <input value={value} placeholder={hint} onInput={({ currentTarget }) => onInput(currentTarget.value)} />
    </label>
  );
}

export function Checkbox(props: {
  readonly label: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
}) {
  const { label, checked, onChange } = props;
  return (
    <label class="check">
      <input type="checkbox" checked={checked} onChange={({ currentTarget }) => onChange(currentTarget.checked)} />
      <span>{label}</span>
    </label>
  );
}

/** A part of the page with a heading. */
export function Section({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <section>
      <h2>{title}</h2>
      {children}
    </section>
  );
}
