import { describe, expect, it } from "vitest";
import { onnxModel, operatorOf } from "../../test/models/onnx-model.ts";
import { normalTensor } from "../../test/models/values.ts";
import { memorySource } from "../io/bytes.ts";
import type { OnnxModel } from "./model.ts";
import { readOnnx } from "./read.ts";
import { encodeOnnx } from "./write.ts";

const reread = async (model: OnnxModel) => readOnnx(memorySource(await encodeOnnx(model), "net.onnx"));
const refusal = async (model: OnnxModel) => expect(reread(model)).rejects;

const chain = () =>
  onnxModel({
    inputs: { x: [1, 2] },
    operators: [
      ["Relu", ["x"], "a"],
      ["Neg", ["a"], "b"],
      ["Exp", ["b"], "y"],
    ],
    outputs: ["y"],
  });

const convolution = (attributes: Record<string, number | readonly number[]>, shape = [4, 2, 3, 3], bias = [4]) =>
  onnxModel({
    inputs: { x: [1, 4, 5, 5] },
    constants: { w: normalTensor(shape), b: normalTensor(bias) },
    operators: [["Conv", ["x", "w", "b"], "y", { group: 2, ...attributes }]],
    outputs: ["y"],
  });

describe("the structure of an ONNX graph that is read", () => {
  it("puts operators that are out of order in order", async () => {
    const model = chain();
    model.main.graph.arrange(model.main.graph.nodes.toReversed());
    const { main } = await reread(model);
    expect(main.graph.nodes.map(({ type }) => type)).toEqual(["Relu", "Neg", "Exp"]);
    expect(main.graph.nodes[1]!.input(0).producer).toBe(main.graph.nodes[0]);
  });

  it("refuses circles", async () => {
    const model = chain();
    operatorOf(model, "a").setInput(0, operatorOf(model, "b").output());
    await (await refusal(model)).toThrow(/net\.onnx, operator "(a|b)" .*: it needs its own result/);
  });

  it("refuses a second producer and what nothing produces", async () => {
    const twice = chain();
    operatorOf(twice, "b").output().name = "x";
    await (await refusal(twice)).toThrow(
      'operator "b" (Neg): its output "x" is an input or a constant of the graph already',
    );
    const rival = chain();
    operatorOf(rival, "b").output().name = "a";
    await (await refusal(rival)).toThrow('the value "a" is produced twice');
    const lost = chain();
    lost.main.graph.remove(operatorOf(lost, "a"));
    await (await refusal(lost)).toThrow('operator "b" (Neg): nothing produces "a", which is read here');
  });

  it("refuses operators with inputs or outputs that they cannot have", async () => {
    const none = chain();
    operatorOf(none, "b").setInputs([]);
    await (await refusal(none)).toThrow('operator "b" (Neg): input 0 is missing');
    const more = chain();
    operatorOf(more, "b").setInputs([operatorOf(more, "a").output(), operatorOf(more, "a").output()]);
    await (await refusal(more)).toThrow('operator "b" (Neg): it has 2 inputs and 1 outputs, which it cannot have');
    const branchless = onnxModel({ inputs: { x: [] }, operators: [["If", ["x"], "y"]], outputs: ["y"] });
    await (await refusal(branchless)).toThrow('its branch "then_branch" is missing');
  });

  it("gives operators of one name names of their own", async () => {
    const model = chain();
    operatorOf(model, "b").name = "a";
    operatorOf(model, "y").name = "";
    const [first, second, third] = (await reread(model)).main.graph.nodes;
    expect([first!.name, second!.name, third!.name]).toEqual(["a", "a_2", ""]);
    operatorOf(model, "").name = "a_2";
    expect((await reread(model)).main.graph.nodes.map(({ name }) => name)).toEqual(["a", "a_3", "a_2"]);
  });

  it("refuses attributes that would become endless loops", async () => {
    await (await refusal(convolution({ group: -7 }))).toThrow(
      'operator "y" (Conv): its attribute "group" is -7, not from 1',
    );
    await (await refusal(convolution({ group: 1_000_000 }))).toThrow("cannot be divided into 1000000 groups");
    await (await refusal(convolution({ strides: [1, 0] }))).toThrow('its attribute "strides" is 0');
    const flatten = onnxModel({
      inputs: { x: [1, 2] },
      operators: [["Flatten", ["x"], "y", { axis: 2 ** 31 - 1 }]],
      outputs: ["y"],
    });
    await (await refusal(flatten)).toThrow('its attribute "axis" is 2147483647, not from -64 to 63');
  });

  it("refuses weights that contradict the operator", async () => {
    await expect(reread(convolution({ kernel_shape: [3, 3] }))).resolves.toBeDefined();
    await (await refusal(convolution({ kernel_shape: [5, 5] }))).toThrow(
      "its kernel of 5x5 is not its weight's [4, 2, 3, 3]",
    );
    await (await refusal(convolution({}, [4, 2, 3, 3], [3]))).toThrow("its bias [3] does not fit its 4 outputs");
    await (await refusal(convolution({}, [4, 2]))).toThrow("its constant input 1 has the shape [4, 2]");
    const norm = onnxModel({
      inputs: { x: [1, 2] },
      constants: { s: normalTensor([2]), v: normalTensor([3]) },
      operators: [["BatchNormalization", ["x", "s", "s", "s", "v"], "y"]],
      outputs: ["y"],
    });
    await (await refusal(norm)).toThrow("its constants [2], [2], [2], [3] are not vectors of one length");
  });

  it("refuses recurrent layers whose weights are not those of their units", async () => {
    const layer = (input: number[], hidden: number[], units = 5) =>
      onnxModel({
        inputs: { x: [3, 1, 4] },
        constants: { w: normalTensor(input), r: normalTensor(hidden), b: normalTensor([1, 30]) },
        operators: [["GRU", ["x", "w", "r", "b"], "y", { hidden_size: units }]],
        outputs: ["y"],
      });
    await expect(reread(layer([1, 15, 4], [1, 15, 5]))).resolves.toBeDefined();
    for (const wrong of [layer([1, 15, 4], [1, 15, 0]), layer([2, 15, 4], [1, 15, 5]), layer([1, 15, 4], [15, 5])])
      await (await refusal(wrong)).toThrow("are not those of 5 units with 3 gates");
    await (await refusal(layer([1, 15, 4], [1, 15, 5], 6))).toThrow("[1, 15, 5], [1, 30] are not those of 6 units");
  });
});
