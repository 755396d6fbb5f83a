import { describe, expect, it } from "vitest";
import { parseScaleTable } from "./parse-scale-table.ts";
import { printScaleTable } from "./scale-table.ts";

const LAYER = { inputs: { x: 2, y: 0.1 }, weights: { w: 1 }, outputs: { z: 3e-3 } };
const parse = (table: unknown, lenient = false) => parseScaleTable(JSON.stringify(table), "t.json", { lenient });
const clips = (table: unknown, lenient = false) => {
  const parsed = parse(table, lenient);
  if (parsed.kind !== "static") throw new Error("a dynamic table");
  return Object.fromEntries(
    [...parsed.layers].map(([name, { inputs, weights, outputs }]) => [
      name,
      [inputs, weights, outputs].map((part) => Object.fromEntries(part)),
    ]),
  );
};

describe("a static table", () => {
  it("gives the clip values as float32 numbers; parts may be left out", () => {
    const wanted = {
      "conv/1": [{ x: 2, y: Math.fround(0.1) }, { w: 1 }, { z: Math.fround(3e-3) }],
      relu: [{}, {}, {}],
    };
    expect(clips({ quantization: "static", "conv/1": LAYER, relu: {} })).toEqual(wanted);
    expect(clips({ "conv/1": LAYER, relu: {} })).toEqual(wanted);
    expect(clips({})).toEqual({});
  });

  it("takes any names", () => {
    const table = '{"constructor": {"inputs": {"__proto__": 1}}, "__proto__": {}}';
    const parsed = parseScaleTable(table, "t.json");
    if (parsed.kind !== "static") throw new Error("a dynamic table");
    expect([...parsed.layers.keys()]).toEqual(["constructor", "__proto__"]);
    expect([...parsed.layers.get("constructor")!.inputs]).toEqual([["__proto__", 1]]);
  });

  it("is printed so that it is read again", () => {
    const parsed = parse({ a: LAYER, b: { weights: { w: 0.5 } } });
    if (parsed.kind !== "static") throw new Error("a dynamic table");
    const text = printScaleTable(parsed.layers);
    expect(parseScaleTable(text, "t.json")).toEqual(parsed);
    expect(JSON.parse(text)).toEqual({
      quantization: "static",
      a: { inputs: { x: 2, y: Math.fround(0.1) }, weights: { w: 1 }, outputs: { z: Math.fround(3e-3) } },
      b: { weights: { w: 0.5 } },
    });
  });

  for (const [table, wanted] of [
    [[], "a scale table must be an object, not a list"],
    [{ quantization: "fixed" }, '"quantization" must be one of static, trained, dynamic, not "fixed"'],
    [{ a: 3 }, '"a" must be an object, not 3'],
    [{ a: { input: {} } }, 'there is no field "a.input"; known are inputs, weights, outputs, ranges'],
    [{ a: { inputs: [1] } }, '"a.inputs" must be an object, not a list'],
    [{ a: { inputs: { x: 0 } } }, '"a.inputs.x" must be a positive number, not 0'],
    [{ a: { weights: { w: "1" } } }, '"a.weights.w" must be a positive number, not "1"'],
    [{ a: { outputs: { z: 1e39 } } }, '"a.outputs.z" must be a positive number, not 1e+39'],
    [{ a: { outputs: { z: 1e-50 } } }, '"a.outputs.z" must be a positive number, not 1e-50'],
  ] as const) {
    it(`is refused: ${JSON.stringify(table)}`, () => expect(() => parse(table)).toThrow(`t.json: ${wanted}. See docs`));
  }

  it("is refused when a layer is there twice or a quote is missing", () => {
    const parseText = (text: string) => () => parseScaleTable(text, "t.json");
    expect(parseText('{"a": {},\n"a": {}}')).toThrow('the name "a" is there twice at line 2, column 1');
    expect(parseText(`{"quantization":"static","${"MobilenetV1/Conv2d_0/".repeat(1000)}`)).toThrow(
      "this is not valid JSON at line 1, column 26",
    );
  });
});

describe("read as Bolt reads it", () => {
  it("passes over what is not understood", () => {
    const table = {
      a: { inputs: { x: 2, y: "3", n: null }, weights: 7, other: 1 },
      b: 3,
      c: { inputs: { x: 0, y: -1 } },
      d: [1],
    };
    expect(clips(table, true)).toEqual({ a: [{ x: 2 }, {}, {}], c: [{ x: 0, y: -1 }, {}, {}] });
  });

  it("takes the last of two equal names, and no list", () => {
    const text = '{"a": {"inputs": {"x": 1}}, "a": {"inputs": {"x": 2}}}';
    const parsed = parseScaleTable(text, "t.json", { lenient: true });
    expect(parsed).toEqual(parse({ a: { inputs: { x: 2 } } }, true));
    expect(() => parse([], true)).toThrow("a scale table must be an object");
  });
});

describe("a dynamic table", () => {
  it("names operators; other fields are passed over", () => {
    expect(parse({ quantization: "dynamic", quant_ops: ["a", "b", "a"], no_quant_ops: ["c"], more: 1 })).toEqual({
      kind: "dynamic",
      choice: { quantized: new Set(["a", "b"]), float: new Set(["c"]) },
    });
    expect(parse({ quantization: "dynamic" }, true)).toEqual({
      kind: "dynamic",
      choice: { quantized: new Set(), float: new Set() },
    });
  });

  it("is refused with names that are none", () => {
    for (const lenient of [false, true]) {
      expect(() => parse({ quantization: "dynamic", quant_ops: "a" }, lenient)).toThrow(
        '"quant_ops" must be a list of operator names, not "a"',
      );
      expect(() => parse({ quantization: "dynamic", no_quant_ops: [1] }, lenient)).toThrow(
        '"no_quant_ops[0]" must be the name of an operator, not 1',
      );
    }
  });
});
