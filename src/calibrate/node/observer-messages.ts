import type { Sample } from "../../data/dataset.ts";
import type { ModelPath } from "../../runtime/runtime.ts";
import type { ValueObservations } from "../observations.ts";
import type { ObserverInterface } from "../observer-graph.ts";

/** What an observer's worker is started with. */
export interface ObserverStart {
  /** The model with the observers in it. */
  readonly model: Uint8Array | ModelPath;
  readonly graph: ObserverInterface;
  /** What messages call the model. */
  readonly name: string;
  /** Threads inside one operator. */
  readonly threads: number;
}

/** What it is asked: to observe an example, or for the result. */
export type ObserverRequest = { readonly example: Sample } | "result";

/** The result, if that was asked for and there is one. */
export type ObserverAnswer = readonly ValueObservations[] | undefined;
