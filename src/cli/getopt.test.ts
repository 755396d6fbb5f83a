import { describe, expect, it } from "vitest";
import { parseGetopt } from "./getopt.ts";

const SHAPE = "hVi:p:";

/** What is given, as plain lists. */
function parsed(...args: string[]) {
  const { values, flags, operands } = parseGetopt(args, SHAPE, ["plan=", "as-bolt"]);
  return { values: [...values], flags: [...flags], operands };
}

const NONE = { values: [], flags: [], operands: [] };

describe("options as C's getopt reads them", () => {
  it.each<[string[], object]>([
    [[], {}],
    [["-i", "INT8"], { values: [["i", "INT8"]] }],
    [["-iINT8"], { values: [["i", "INT8"]] }],
    [["-i", "-5"], { values: [["i", "-5"]] }],
    [["-i", "a", "-i", "b"], { values: [["i", "b"]] }],
    [["-h", "-V"], { flags: ["h", "V"] }],
    [["-hV"], { flags: ["h", "V"] }],
    [["-Vp", "x"], { flags: ["V"], values: [["p", "x"]] }],
    [["-Vpx", "y"], { flags: ["V"], values: [["p", "x"]], operands: ["y"] }],
    [["one", "-h", "two"], { flags: ["h"], operands: ["one", "two"] }],
    [["-", "--", "-h", "--plan"], { operands: ["-", "-h", "--plan"] }],
    [["--plan", "a", "--as-bolt"], { values: [["plan", "a"]], flags: ["as-bolt"] }],
    [["--plan=a=b\nc"], { values: [["plan", "a=b\nc"]] }],
    [["--plan="], { values: [["plan", ""]] }],
  ])("%j", (args, expected) => expect(parsed(...args)).toEqual({ ...NONE, ...expected }));

  it.each<[string[], RegExp]>([
    [["-x"], /no option -x/],
    [["-hx"], /no option -x/],
    [["-:"], /no option -:/],
    [["-i"], /-i needs a value/],
    [["--plan"], /--plan needs a value/],
    [["--as-bolt=yes"], /no option --as-bolt=yes/],
    [["--other"], /no option --other/],
  ])("refuses %j", (args, message) => expect(() => parsed(...args)).toThrow(message));
});
