let stdoutIsOutput = false;

/** From now on what is printed goes to stderr: stdout is where an output of the command goes. */
export function keepStdoutFree(): void {
  stdoutIsOutput = true;
}

function print(text: string): void {
  (stdoutIsOutput ? process.stderr : process.stdout).write(`${text}\n`);
}

/** Writes lines to stdout in one piece. */
export function printLines(lines: readonly string[]): void {
  print(lines.join("\n"));
}

/** Writes a value as indented JSON to stdout; infinities and NaN, which JSON lacks, as strings. */
export function printJson(value: unknown): void {
  const text = JSON.stringify(
    value,
    (_, part) => (typeof part === "number" && !Number.isFinite(part) ? `${part}` : part),
    2,
  );
  print(text);
}

/** Lines of a table: numbers to the right, text to the left. Empty without rows. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const numeric = headings.map((_, column) =>
    rows.every((row) => /^[-+]?[\d.]*(e[-+]?\d+)?[ %x×]*[a-zA-Z]{0,2}$|^[-\d.]*$/.test(row[column] ?? "")),
  );
  const line = (cells: readonly string[]) =>
    widths
      .map((width, column) =>
        numeric[column] ? (cells[column] ?? "").padStart(width) : (cells[column] ?? "").padEnd(width),
      )
      .join("  ")
      .trimEnd();
  return [line(headings), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)];
}

/** Bytes for a reader: "4.9 MB". */
export function showBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  return `${power === 0 ? bytes : (bytes / 1000 ** power).toFixed(power === 1 ? 0 : 1)} ${units[power]}`;
}
