import { expect, it } from "vitest";
import { watchNodes } from "./changed-nodes.ts";
import { Graph, Value } from "./graph.ts";

it("names nodes that are new, gone, or have another type or other inputs, and no others", () => {
  const graph = new Graph<undefined>("g");
  const x = new Value<undefined>("x");
  const append = (name: string, input: Value<undefined>) =>
    graph.append({ name, type: "Relu", inputs: [input], outputs: [new Value(name)], data: undefined });
  const [first, second, third, last] = ["first", "second", "third", "last"].map((name) => append(name, x));
  const changes = watchNodes(graph);
  expect(changes()).toEqual([]);
  second!.type = "Tanh";
  third!.setInputs([first!.output()]);
  graph.remove(last!);
  append("new", x);
  expect(changes()).toEqual(['Relu "last"', 'Relu "second"', 'Relu "third"', 'Relu "new"']);
});
