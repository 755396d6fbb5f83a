import { BoltqError } from "../io/error.ts";

/** Exit codes: 1 a failure (or models that differ), 2 a wrong call (1 for Bolt's programs), 130 stopped by the user. */
const FAILURE = 1;
export const WRONG_CALL = 2;

/**
 * Runs a command-line program to its end: prints every error as one sentence on stderr, never a stack trace (unless
 * BOLTQ_DEBUG is set), and sets the exit code. A signal ends the process cleanly, so that unfinished files go.
 */
export async function main(name: string, run: () => Promise<void>, wrongCall: number = WRONG_CALL): Promise<void> {
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    process.once(signal, () => {
      process.stderr.write(`\n${name}: stopped; nothing half-written is left\n`);
      process.exit(code);
    });
  }
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    process.exit(error.code === "EPIPE" ? 0 : FAILURE);
  });
  try {
    await run();
  } catch (error) {
    process.exitCode = report(name, error, wrongCall);
  }
}

function report(name: string, error: unknown, wrongCall: number): number {
  if (process.env["BOLTQ_DEBUG"]) console.error(error);
  if (error instanceof BoltqError) {
    process.stderr.write(`${name}: ${error.message}\n`);
    return error.code === "usage" ? wrongCall : FAILURE;
  }
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${name}: internal error: ${message}. Set BOLTQ_DEBUG=1 and run again for details to report\n`);
  return FAILURE;
}
