import { createDirectSession } from "../onnxruntime.ts";
import type { Session } from "../runtime.ts";
import type { SessionStart } from "../session-messages.ts";
import type { GateStart } from "./gated-worker.ts";
import { importOnnxRuntime } from "./import-onnxruntime.ts";
import { RunGate } from "./run-gate.ts";

/** A session in this worker thread, whose native calls pass the gate. */
export async function openGatedSession({ model, options, gate }: SessionStart & GateStart): Promise<Session> {
  const ownGate = new RunGate(gate);
  const ort = await ownGate.pass(() => importOnnxRuntime("onnxruntime-node"));
  if (ort === undefined) throw new Error("onnxruntime-node cannot be loaded in a worker thread");
  const session = await ownGate.pass(() => createDirectSession(ort, model, options));
  return {
    inputs: session.inputs,
    outputs: session.outputs,
    run: (feeds, fetches) => ownGate.pass(() => session.run(feeds, fetches)),
    time: async (feeds, count) => {
      const times: number[] = [];
      while (times.length < count) times.push(...(await ownGate.pass(() => session.time(feeds, 1))));
      return times;
    },
    close: () => ownGate.release(() => session.close()),
  };
}
