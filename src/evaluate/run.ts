import type { Model } from "../convert/model-file.ts";
import type { DenseTensor } from "../graph/tensor.ts";
import { fitInputs } from "../runtime/fit-inputs.ts";
import type { NamedTensors, Session } from "../runtime/runtime.ts";
import { type OpenOptions, openSession } from "./open-session.ts";

const sessions = new WeakMap<Model, Promise<Session>>();

/**
 * Runs a model once and gives its outputs by name. Inputs are matched by name, or by place, and converted to the element
 * types the model takes. The session is kept with the model object for the next call: call `closeModel` when the model
 * is edited or no longer needed. `options` matter at the first call. Throws as `openSession` and `Session.run` do.
 */
export async function runModel(
  model: Model,
  inputs: NamedTensors | Readonly<Record<string, DenseTensor>>,
  options: OpenOptions = {},
): Promise<Map<string, DenseTensor>> {
  const session = await sessionOf(model, options);
  const named = inputs instanceof Map ? (inputs as NamedTensors) : new Map(Object.entries(inputs));
  return session.run(fitInputs(session.inputs, named));
}

/** Lets go of the session that `runModel` keeps for a model. */
export async function closeModel(model: Model): Promise<void> {
  const session = sessions.get(model);
  sessions.delete(model);
  await (await session)?.close();
}

function sessionOf(model: Model, options: OpenOptions): Promise<Session> {
  const known = sessions.get(model);
  if (known !== undefined) return known;
  const opening = openSession(model, options);
  sessions.set(model, opening);
  opening.catch(() => sessions.delete(model));
  return opening;
}
