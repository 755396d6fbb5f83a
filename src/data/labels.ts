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

/**
 * Classes of examples that lie in a folder for each class: `cat/1.jpg` is of the class "cat". Folders named by numbers are these classes; others are counted
 * in the order of their names, from 0 on. Throws `invalid-data` where an example lies in no folder.
 */
export function labelsOfFolders(names: readonly string[]): Labels {
  const folders = names.map(
    (name) =>
      name
        .slice(0, Math.max(0, name.lastIndexOf("/")))
        .split("/")
        .at(-1) ?? "",
  );
  const outside = names[folders.indexOf("")];
  if (outside !== undefined) {
    throw new BoltqError("invalid-data", `the example "${outside}" lies in no folder of its class`, {
      remedy: "Put the examples of each class into a folder of its own, or give a file of labels",
    });
  }
  const classes = [...new Set(folders)].sort();
  const areNumbers = classes.every((folder) => /^\d+$/.test(folder));
  return new Map(
    names.map((name, index) => [name, areNumbers ? Number(folders[index]) : classes.indexOf(folders[index]!)]),
  );
}
