import type { NamedTensors } from "../runtime/runtime.ts";
import { TensorError, type TensorErrorSummary } from "../runtime/tensor-error.ts";
import type { NamePair } from "./layer-pairs.ts";

/** The second model measured against the first. */
export interface TensorComparison extends TensorErrorSummary {
  /** The name in the first model; outputs are matched by name, or by place where the names differ. */
  readonly name: string;
  /** The name in the second model. */
  readonly otherName: string;
}

/** The errors of pairs of tensors. */
export class ErrorTable {
  readonly #pairs: readonly NamePair[];
  readonly #errors: readonly TensorError[];
  readonly #unlike = new Set<string>();

  constructor(pairs: readonly NamePair[]) {
    this.#pairs = pairs;
    this.#errors = pairs.map(() => new TensorError());
  }

  add(first: NamedTensors, second: NamedTensors): void {
    this.#pairs.forEach(([name, otherName], index) => {
      const [reference, other] = [first.get(name), second.get(otherName)];
      if (reference === undefined || other === undefined) return;
      if (!this.#errors[index]!.add(reference, other)) this.#unlike.add(name);
    });
  }

  comparisons(): TensorComparison[] {
    return this.#pairs.flatMap(([name, otherName], index) => {
      const summary = this.#errors[index]!.summary();
      return summary.samples === 0 ? [] : [{ name, otherName, ...summary }];
    });
  }

  unlike(): string[] {
    return [...this.#unlike];
  }
}
