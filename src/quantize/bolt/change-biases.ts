import { floatBytes } from "../../bolt/lazy-floats.ts";
import type { BoltModel } from "../../bolt/model.ts";
import { BoltqError } from "../../io/error.ts";
import type { Plan } from "../plan.ts";

/** Gives float32 records the planned biases. Throws BoltqError `mismatch` for one that the model does not have. */
export function changeBiases(model: BoltModel, biases: Plan["biases"]): void {
  for (const bias of biases) {
    const record = model.weights.of({ name: bias.operator });
    if (bias.type !== "float32" || record?.vector.length !== 4 * bias.values.length) {
      throw new BoltqError("mismatch", "the plan was made for another model", {
        subject: `bias of "${bias.operator}"`,
      });
    }
    record.vector = floatBytes(bias.values);
  }
}
