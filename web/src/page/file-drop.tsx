import { useState } from "preact/hooks";
import { filesOfDrop } from "../chosen-files.ts";

/** A place to drop files on, or to choose them by. */
export function FileDrop(props: {
  readonly label: string;
  readonly hint: string;
  readonly suffixes: readonly string[];
  readonly onFiles: (files: readonly File[]) => void;
}) {
  const { label, hint, suffixes, onFiles } = props;
  const [isOver, setOver] = useState(false);
  const drop = async (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    if (event.dataTransfer !== null) onFiles(await filesOfDrop(event.dataTransfer));
  };
  return (
    <label
      class={isOver ? "drop over" : "drop"}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <strong>{label}</strong>
      <span>{hint}</span>
      <input
        type="file"
        multiple
        accept={suffixes.join(",")}
        onChange={({ currentTarget }) => {
          onFiles([...(currentTarget.files ?? [])]);
          currentTarget.value = ""; // so that the same file can be chosen again
        }}
      />
    </label>
  );
}
