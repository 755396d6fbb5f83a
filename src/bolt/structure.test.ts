import { describe, expect, it } from "vitest";
import { boltModel, boltOperator, convolution } from "../../test/models/bolt-model.ts";
import { memorySource } from "../io/bytes.ts";
import { memoryTarget } from "../io/target.ts";
import type { BoltModel } from "./model.ts";
import { readBolt } from "./read.ts";
import { writeBolt } from "./write.ts";

async function reread(model: BoltModel): Promise<BoltModel> {
  const target = memoryTarget();
  await writeBolt(model, target);
  return readBolt(memorySource(target.result(), "net.bolt"));
}

const net = (more = {}, weight = 8 * 4 * 9, vector = 8) =>
  boltModel({
    inputs: { x: [1, 4, 5, 5] },
    operators: [
      [
        "Conv",
        ["x"],
        "c",
        convolution(8, 3, more),
        { weight: new Float32Array(weight), vector: new Float32Array(vector) },
      ],
      [
        "FC",
        ["c"],
        "y",
        { num_outputs: 3, num_slices: 1, slice_point: [3] },
        { weight: new Float32Array(6), vector: [] },
      ],
    ],
    outputs: ["y"],
  });

describe("the structure of a .bolt file that is read", () => {
  it("is right for what the parameters say", async () => {
    const { graph } = await reread(net());
    expect(graph.nodes.map(({ name }) => name)).toEqual(["c", "y"]);
    await expect(reread(net({ group: 2 }))).resolves.toBeDefined();
    await expect(reread(net({}, 8 * 9, 0))).resolves.toBeDefined();
    await expect(reread(net({}, 8 * 9, 4))).resolves.toBeDefined(); // float16
  });

  it("refuses weights and vectors of another length", async () => {
    const convolution = 'net.bolt, operator "c" (Conv): ';
    await expect(reread(net({}, 8 * 4 * 9 + 1))).rejects.toThrow(
      `${convolution}its weight has 289 elements, but its parameters say a multiple of 72`,
    );
    await expect(reread(net({}, 0, 8))).rejects.toThrow("its weight has 0 elements");
    await expect(reread(net({}, 72, 7))).rejects.toThrow(
      `${convolution}its vector has 28 bytes, which is not 8 numbers`,
    );
    await expect(reread(net({ group: 3 }))).rejects.toThrow(
      `${convolution}its 8 outputs cannot be divided into 3 groups`,
    );
    await expect(reread(net({ group: 0 }))).rejects.toThrow(`${convolution}it has 8 outputs in 0 groups`);
    const matrix = net();
    boltOperator(matrix, "y").data.parameters.set("num_outputs", 4);
    await expect(reread(matrix)).rejects.toThrow(
      'operator "y" (FC): its weight has 6 elements, but its parameters say a multiple of 4',
    );
  });

  it("refuses operators without the inputs and outputs that they need", async () => {
    const deaf = net();
    boltOperator(deaf, "y").setInputs([]);
    await expect(reread(deaf)).rejects.toThrow('operator "y" (FC): it has 0 inputs, but needs one');
    const mute = net();
    boltOperator(mute, "y").setOutputs([]);
    mute.graph.outputs = [];
    await expect(reread(mute)).rejects.toThrow('operator "y" (FC): it has no output');
  });
});
