import { describe, expect, it } from "vitest";
import { executionOrder } from "./execution-order.ts";
import { Graph, type Node, Value } from "./graph.ts";

type Data = undefined;

/** input -> a -> b -> c -> output, each value named as its node. */
function chain() {
  const graph = new Graph<Data>("chain");
  const input = new Value<Data>("input");
  graph.inputs = [input];
  const add = (name: string, ...inputs: (Value<Data> | undefined)[]) =>
    graph.append({ name, type: "Step", inputs, outputs: [new Value<Data>(name)], data: undefined });
  const a = add("a", input);
  const b = add("b", a.output());
  const c = add("c", b.output());
  graph.outputs = [c.output()];
  return { graph, input, a, b, c, add };
}

const init = (name: string, inputs: Value<Data>[] = [], outputs: Value<Data>[] = [new Value<Data>(name)]) => ({
  name,
  type: "Step",
  inputs,
  outputs,
  data: undefined,
});

const names = (graph: Graph<Data>) => graph.nodes.map(({ name }) => name);

describe("a graph", () => {
  it("keeps nodes in order wherever they are put in", () => {
    const { graph, a, b, c } = chain();
    graph.insertBefore(a, init("first"));
    graph.insertAfter(c, init("last"));
    graph.insertBefore(b, init("before b"));
    graph.insertAfter(b, init("after b"));
    expect(names(graph)).toEqual(["first", "a", "before b", "b", "after b", "c", "last"]);
    expect(graph.size).toBe(7);
    const orders = graph.nodes.map(({ order }) => order);
    expect(orders).toEqual(orders.toSorted((one, other) => one - other));
    expect(new Set(orders).size).toBe(7);
  });

  it("keeps order keys apart after many insertions at one place", () => {
    const { graph, b } = chain();
    for (let count = 0; count < 3000; count++) graph.insertBefore(b, init(`${count}`));
    const orders = graph.nodes.map(({ order }) => order);
    expect(orders.every((order, index) => index === 0 || order > orders[index - 1]!)).toBe(true);
    expect(names(graph).slice(0, 3)).toEqual(["a", "0", "1"]);
  });

  it("takes nodes out at the front, in the middle and at the end", () => {
    const { graph, a, b, c, input } = chain();
    graph.remove(b);
    expect(names(graph)).toEqual(["a", "c"]);
    expect(graph.has(b)).toBe(false);
    expect(graph.has(a)).toBe(true);
    expect(a.output().used).toBe(false);
    expect(b.output().producer).toBeUndefined();
    expect(c.input(0)).toBe(b.output());
    graph.remove(a);
    expect(input.used).toBe(false);
    graph.remove(c);
    expect(names(graph)).toEqual([]);
    expect(graph.size).toBe(0);
    graph.append(init("again"));
    expect(names(graph)).toEqual(["again"]);
  });

  it("gives a snapshot that may be edited over", () => {
    const { graph, b } = chain();
    const before = graph.nodes;
    graph.remove(b);
    expect(before.map(({ name }) => name)).toEqual(["a", "b", "c"]);
    expect(graph.nodes).not.toBe(before);
    expect(graph.nodes).toBe(graph.nodes);
  });

  it("refuses to edit around a node that it does not have", () => {
    const { graph, b } = chain();
    graph.remove(b);
    expect(() => graph.remove(b)).toThrow('operator "b": the operator is not part of the graph');
    expect(() => graph.insertBefore(b, init("x"))).toThrow("not part of the graph");
    expect(() => graph.insertAfter(b, init("x"))).toThrow("not part of the graph");
  });

  it("lets every reader and the graph's outputs read another value", () => {
    const { graph, a, b, c, add } = chain();
    const twice = add("twice", a.output(), a.output());
    graph.outputs = [a.output(), c.output(), a.output()];
    const replacement = new Value<Data>("replacement");
    graph.replaceUses(a.output(), replacement);
    expect(b.inputs).toEqual([replacement]);
    expect(twice.inputs).toEqual([replacement, replacement]);
    expect(graph.outputs).toEqual([replacement, c.output(), replacement]);
    expect(a.output().users).toEqual([]);
    expect(replacement.users).toEqual([b, twice]);
  });

  it("puts nodes into another order, and only into a whole one", () => {
    const { graph, a, b, c } = chain();
    graph.arrange([c, a, b]);
    expect(names(graph)).toEqual(["c", "a", "b"]);
    expect([c.order, a.order, b.order]).toEqual([0, 1, 2]);
    graph.insertAfter(b, init("d"));
    graph.insertBefore(c, init("e"));
    expect(names(graph)).toEqual(["e", "c", "a", "b", "d"]);
    const refused = "an order must hold each operator of the graph once";
    const all = [...graph.nodes];
    expect(() => graph.arrange(all.slice(1))).toThrow(refused);
    expect(() => graph.arrange([...all.slice(1), all[1]!])).toThrow(refused);
    expect(() => graph.arrange([...all.slice(1), chain().a])).toThrow(refused);
  });
});

describe("a value", () => {
  it("tells its users once each, in graph order", () => {
    const { graph, input, a, b, c } = chain();
    const late = graph.append(init("late", [input]));
    const early = graph.insertBefore(a, init("early", [input, input]));
    expect(input.users).toEqual([early, a, late]);
    b.setInput(0, input);
    expect(input.users).toEqual([early, a, b, late]);
    early.setInput(0, c.output());
    expect(input.users).toEqual([early, a, b, late]);
    early.setInput(1, undefined);
    expect(input.users).toEqual([a, b, late]);
    expect(c.output().users).toEqual([early]);
  });

  it("has one producer", () => {
    const { graph, a } = chain();
    expect(a.output().producer).toBe(a);
    expect(() => graph.append(init("rival", [], [a.output()]))).toThrow(
      'operator "rival" (Step): the value "a" is produced twice',
    );
  });
});

describe("a node", () => {
  it("says which input or output is missing", () => {
    const { graph } = chain();
    const node = graph.append({ ...init("n"), inputs: [undefined] });
    expect(() => node.input(0)).toThrow('operator "n" (Step): input 0 is missing');
    expect(() => node.input(1)).toThrow("input 1 is missing");
    expect(() => node.output(1)).toThrow('operator "n" (Step): output 1 is missing');
  });

  it("gives up what it read and produced for other inputs and outputs", () => {
    const { a, b, c } = chain();
    c.setInputs([a.output(), undefined, a.output()]);
    expect(c.inputs).toEqual([a.output(), undefined, a.output()]);
    expect(b.output().used).toBe(false);
    expect(a.output().users).toEqual([b, c]);
    const [old, made] = [c.output(), new Value<Data>("made")];
    c.setOutputs([made]);
    expect(old.producer).toBeUndefined();
    expect(made.producer).toBe(c);
    expect(c.outputs).toEqual([made]);
  });
});

describe("the order of execution", () => {
  const inputsOf = (node: Node<Data>) => node.inputs;

  it("stays where each node stands behind what it reads", () => {
    const { graph, a, add } = chain();
    add("d", a.output());
    expect(executionOrder(graph.nodes, inputsOf)).toEqual(graph.nodes);
  });

  it("moves nodes in front of their readers, and no others", () => {
    const { graph, a, b, c, add } = chain();
    const d = add("d");
    expect(executionOrder([d, c, a, b], inputsOf)).toEqual([d, a, b, c]);
    const pair = add("pair", c.output(), d.output());
    expect(executionOrder([pair, a, b, c, d], inputsOf)).toEqual([a, b, c, d, pair]);
    expect(graph.size).toBe(5);
  });

  it("manages a long chain in reverse", () => {
    const { add, c } = chain();
    const nodes = [c];
    for (let count = 0; count < 20_000; count++) nodes.push(add(`${count}`, nodes.at(-1)!.output()));
    expect(executionOrder(nodes.toReversed(), inputsOf)).toEqual(nodes);
  });

  it("refuses circles and names an operator of it", () => {
    const { graph, a, b, c } = chain();
    a.setInput(0, c.output());
    expect(() => executionOrder(graph.nodes, inputsOf)).toThrow(
      'operator "a" (Step): it needs its own result, over other operators or at once',
    );
    b.setInput(0, b.output());
    expect(() => executionOrder([b], inputsOf)).toThrow('operator "b"');
  });
});
