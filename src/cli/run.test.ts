import { expect, it } from "vitest";
import { fileNameFor } from "./run.ts";

it("makes file names that stay in the folder and differ", () => {
  const taken = new Set<string>();
  expect(fileNameFor("save_infer_model/scale_0.tmp_1", taken)).toBe("save_infer_model_scale_0.tmp_1");
  expect(fileNameFor("../../etc/passwd", taken)).toBe("__.._etc_passwd");
  expect(fileNameFor("", taken)).toBe("output");
  expect(fileNameFor("Y", taken)).toBe("Y");
  expect(fileNameFor("y", taken)).toBe("y_2");
});
