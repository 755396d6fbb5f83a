import { startWorker } from "../../io/node/start-worker.ts";
import type { StartedWorker } from "../../io/worker/port.ts";
import { RunGate } from "./run-gate.ts";

/** What a worker that runs a model must be started with besides its own. */
export interface GateStart {
  /** Memory of the worker's RunGate. */
  readonly gate: SharedArrayBuffer;
}

/**
 * Starts a worker that runs a model. It is asked to end, never terminated: ending a thread inside ONNX Runtime aborts the
 * process. `url` as for `startWorker`; give the worker `start` too.
 */
export function startGatedWorker(url: URL): { worker: StartedWorker; start: GateStart } {
  const gate = new RunGate();
  const worker = startWorker(url);
  guardExit(gate);
  void worker.ended.then(() => openGates.delete(gate));
  const end = () => {
    gate.close();
    worker.post("close", []);
  };
  return { worker: { ...worker, end }, start: { gate: gate.shared } };
}

const openGates = new Set<RunGate>();

/** Lets the process end only outside native calls; one listener for all workers, set when the first one opens. */
function guardExit(gate: RunGate): void {
  if (openGates.size === 0) {
    process.off("exit", closeGates);
    process.on("exit", closeGates);
  }
  openGates.add(gate);
}

function closeGates(): void {
  for (const gate of openGates) gate.end();
  const calm = [...openGates].map((gate) => gate.wait()).every(Boolean);
  if (!calm) endAtOnce();
}

/** Ends the process without ending its threads first. */
function endAtOnce(): void {
  process.removeAllListeners("SIGTERM");
  process.kill(process.pid, "SIGTERM");
}
