import { File } from "node:buffer";
import { describe, expect, it } from "vitest";
import { denseTensor, denseValues } from "../graph/dense-values.ts";
import type { Signature } from "../onnx/model.ts";
import type { Dataset } from "./dataset.ts";
import { writeNpy } from "./npy.ts";
import { openBlobs } from "./open-blobs.ts";
import { preset } from "./preprocess/specification.ts";

const INPUTS: readonly Signature[] = [{ name: "x", type: { type: "float32", shape: [1, 2] } }];
const options = { preprocessing: preset("raw") };

function npy(...values: number[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(writeNpy(denseTensor("float32", [values.length / 2, 2], values)));
}

async function valuesOf(dataset: Dataset): Promise<[string, number[]][]> {
  const all: [string, number[]][] = [];
  for await (const { name, inputs } of dataset.samples())
    all.push([name, [...(denseValues(inputs.get("x")!) as Float32Array)]]);
  return all;
}

describe("a data set over files of a page", () => {
  it("takes named files in the order of their names, and leaves out those of other kinds", async () => {
    const files = [
      new File([npy(3, 4)], "b.npy"),
      new File([npy(1, 2, 5, 6)], "a.NPY"),
      new File(["no example"], "notes.txt"),
    ];
    expect(await valuesOf(await openBlobs(files, INPUTS, options))).toEqual([
      ["a.NPY#0", [1, 2]],
      ["a.NPY#1", [5, 6]],
      ["b.npy", [3, 4]],
    ]);
  });

  it("names a file of a chosen folder by its path in it", async () => {
    const file = Object.assign(new File([npy(1, 2)], "a.npy"), { webkitRelativePath: "pictures/a.npy" });
    expect((await openBlobs([file], INPUTS, options)).names).toEqual(["pictures/a.npy"]);
  });

  it("takes nameless Blobs for pictures, in their order, and skips what is none", async () => {
    const picture: readonly Signature[] = [{ name: "x", type: { type: "float32", shape: [1, 3, 2, 2] } }];
    const dataset = await openBlobs(
      Array.from({ length: 12 }, () => new Blob(["no picture"])),
      picture,
      options,
    );
    expect(dataset.names[10]).toBe("0000010");
    const skipped: string[] = [];
    const read = async () => {
      for await (const _ of dataset.samples((name) => skipped.push(name)));
    };
    await expect(read()).rejects.toMatchObject({ code: "invalid-data" });
    expect(skipped.slice(0, 2)).toEqual(["0000000", "0000001"]);
  });

  it("says so when there is no example", async () => {
    await expect(openBlobs([], INPUTS, options)).rejects.toMatchObject({ code: "invalid-data" });
  });
});
