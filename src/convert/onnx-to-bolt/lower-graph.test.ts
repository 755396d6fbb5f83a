import { expect, it } from "vitest";
import { onnxModel, operatorOf } from "../../../test/models/onnx-model.ts";
import { lowerToBolt } from "./index.ts";

function withOperator(type: string, domain: string) {
  const model = onnxModel({ inputs: { x: [1, 4] }, operators: [[type, ["x"], "y"]], outputs: ["y"] });
  operatorOf(model, "y").data.domain = domain;
  return model;
}

it("sends to ONNX Runtime only operators that it has", async () => {
  await expect(lowerToBolt(withOperator("Det", ""))).rejects.toThrow(
    'cannot be converted to Bolt: Det ("y"). Quantize it for ONNX Runtime instead',
  );
  await expect(lowerToBolt(withOperator("Glow", "my.domain"))).rejects.toThrow(
    'cannot be converted to Bolt: my.domain.Glow ("y"). Replace these operators before exporting',
  );
});
