import { expect, it } from "vitest";
import { tellApart } from "./chosen-files.ts";

const file = (name: string) => new File([], name);
const names = (files: readonly File[]) => files.map(({ name }) => name);

it("tells models, what lies beside them, examples and preprocessing apart by their names", () => {
  const chosen = tellApart(
    [
      ...["b.JPG", "net.prototxt", "net.caffemodel", "a.npz", "big.onnx", "big.onnx_data", "big.onnx_data_1"],
      ...["preprocessor_config.json", "README", "labels.csv"],
    ].map(file),
  );
  expect(chosen.models.map(({ model }) => model.name)).toEqual(["net.prototxt", "big.onnx"]);
  for (const { beside } of chosen.models)
    expect(names(beside)).toEqual(["net.caffemodel", "big.onnx_data", "big.onnx_data_1"]);
  expect(names(chosen.examples)).toEqual(["b.JPG", "a.npz"]);
  expect(chosen.preprocessing?.name).toBe("preprocessor_config.json");
  expect(names(chosen.unknown)).toEqual(["README", "labels.csv"]);
});
