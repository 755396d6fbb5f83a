import { BoltqError } from "../../src/io/error.ts";
import { exerciseModel } from "./exercise-model.ts";
import { Random } from "./random.ts";

/** Runs one step of what is done with an input; undefined where it was refused with a BoltqError. */
export type Step = <Result>(name: string, action: () => Promise<Result>) => Promise<Result | undefined>;

/** A step that ended in another way than with a result or a BoltqError. */
export interface Fault {
  readonly step: string;
  readonly error: string;
}

/** What a file is taken for. */
export type InputKind = "model";

/** Does with a file all that boltq does with its kind; returns the first fault. Options are chosen by `seed`. */
export async function exercise(
  kind: InputKind,
  bytes: Uint8Array,
  seed: number,
  onStep: (name: string) => void = () => {},
): Promise<Fault | undefined> {
  let fault: Fault | undefined;
  const step: Step = async (name, action) => {
    onStep(name);
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof BoltqError)) fault ??= { step: name, error: `${(error as Error).stack ?? error}` };
      return undefined;
    }
  };
  await EXERCISES[kind](bytes, new Random(seed), step);
  return fault;
}

const EXERCISES: Readonly<Record<InputKind, (bytes: Uint8Array, random: Random, step: Step) => Promise<void>>> = {
  model: exerciseModel,
};
