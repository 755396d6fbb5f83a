const WIDTH = 24;
const INTERVAL_MILLISECONDS = 80;

/** A progress bar on stderr: nothing is printed where stderr is not a terminal. */
export interface ProgressBar {
  update(done: number, total: number): void;
  /** Clears the bar. */
  end(): void;
}

/** Starts a bar with a label such as "calibrating". */
export function progressBar(label: string): ProgressBar {
  if (!process.stderr.isTTY) return { update: () => {}, end: () => {} };
  let drawn = 0;
  const start = performance.now();
  return {
    update: (done, total) => {
      const now = performance.now();
      if (now - drawn < INTERVAL_MILLISECONDS && done < total) return;
      drawn = now;
      const filled = total > 0 ? Math.round((WIDTH * done) / total) : 0;
      const seconds = (now - start) / 1000;
      const left = done > 0 ? `${Math.ceil((seconds * (total - done)) / done)} s left` : "";
      process.stderr.write(
        `\r\x1b[K${label} [${"#".repeat(filled)}${" ".repeat(WIDTH - filled)}] ${done}/${total} ${left}`,
      );
    },
    end: () => {
      process.stderr.write("\r\x1b[K");
    },
  };
}
