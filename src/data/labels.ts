import { BoltqError } from "../io/error.ts";

/** The right class of each example, by file name. */
export type Labels = ReadonlyMap<string, number>;

/** Parses lines of `file,class`, with or without a heading. Throws `format` naming the line. */
export function parseLabels(text: string, file: string): Labels {
  const labels = new Map<string, number>();
  text.split(/\r?\n/).forEach((line, index) => {
    if (line.trim() === "") return;
    const [name, label] = line.split(",").map((cell) => cell.trim());
    if (name !== undefined && /^\d+$/.test(label ?? "")) labels.set(name, Number(label));
    else if (index > 0) throw new BoltqError("format", `line ${index + 1} is no "file,class"`, { file });
  });
  return labels;
}
