import { BoltqError } from "../../src/io/error.ts";
import { exerciseArchive, exerciseArray, exerciseJson, exercisePicture } from "./exercise-data.ts";
import { exerciseCaffe, exerciseModel } from "./exercise-model.ts";
import { Random } from "./random.ts";

/** Runs one step of what is done with an input; undefined where it was refused with a BoltqError. */
export type Step = <Result>(name: string, action: () => Promise<Result>) => Promise<Result | undefined>;

/** A step that ended in another way than with a result or a BoltqError. */
export interface Fault {
  readonly step: string;
  readonly error: string;
}

type Exercise = (bytes: Uint8Array, random: Random, step: Step) => Promise<void>;

/** What a file is taken for. */
export type InputKind = "onnx" | "bolt" | "tensorflow" | "tflite" | "caffe" | "npy" | "npz" | "picture" | "json";

const EXERCISES: Readonly<Record<InputKind, Exercise>> = {
  onnx: exerciseModel,
  bolt: exerciseModel,
  tensorflow: exerciseModel,
  tflite: exerciseModel,
  caffe: exerciseCaffe,
  npy: exerciseArray,
  npz: exerciseArchive,
  picture: exercisePicture,
  json: exerciseJson,
};

/**
 * Does with a file all that boltq does with files of its kind, with options that `seed` chooses; returns the first fault.
 * `onStep` hears of each step before it begins.
 */
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
