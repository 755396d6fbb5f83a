import { basename } from "node:path";
import { beforeAll, expect, it } from "vitest";
import type { ConvertedInput } from "../src/convert/onnx-to-bolt/converted-input.ts";
import { lowerToBolt } from "../src/convert/onnx-to-bolt/index.ts";
import { openSession } from "../src/evaluate/open-session.ts";
import { denseTensor, denseValues } from "../src/graph/dense-values.ts";
import type { DenseTensor } from "../src/graph/tensor.ts";
import { BoltqError } from "../src/io/error.ts";
import type { OnnxTensor } from "../src/onnx/model.ts";
import { numbersOf } from "../src/onnx/tensor-data.ts";
import { fitInputs } from "../src/runtime/fit-inputs.ts";
import type { Session } from "../src/runtime/runtime.ts";
import { describeWithTestdata, openTestdataCase, type TestdataCase, testdataCases } from "./onnx-testdata.ts";

/** Whether all inputs are given when the network runs, or all but the first are constants, as shapes and axes mostly are. */
type Form = "all inputs" | "first input";

interface Outcome {
  readonly name: string;
  readonly operators: readonly string[];
  readonly result: "right" | "wrong" | "refused" | "not run";
  readonly detail: string;
}

/** Share of the cases that may be refused. */
const MOST_REFUSED = 0.15;

/** Share of the largest magnitude. Bolt computes in float32 what is bfloat16 in the model, and its Gelu is an approximation. */
const TOLERANCE: Readonly<Record<string, number>> = { bfloat16: 2 ** -7 };
const USUAL_TOLERANCE = 1e-3;

/** What Bolt's engine runs and ONNX has no operator for. */
const NOT_RUN = /size is computed while it runs/;

/** Operators whose numbers are others at each run. */
const RANDOM = /^(Random|Bernoulli|Multinomial)/;

async function outcomeOf(folder: string, form: Form): Promise<Outcome> {
  const testCase = await openTestdataCase(folder);
  const operators = [...new Set(testCase.model.main.graph.nodes.map(({ type }) => type))];
  const outcome = (result: Outcome["result"], detail = ""): Outcome => ({
    name: basename(folder),
    operators,
    result,
    detail,
  });
  try {
    const feeds = await prepare(testCase, form);
    const { model, inputs } = await lowerToBolt(testCase.model, {
      keepLayout: true,
      inputShapes: Object.fromEntries([...feeds].map(([name, { shape }]) => [name, shape])),
    });
    try {
      const session = await openSession(model, { placement: "direct", optimization: "basic" });
      const results = [...(await session.run(given(session, inputs, feeds)).finally(() => session.close())).values()];
      const draws = operators.some((type) => RANDOM.test(type));
      const wrong = draws ? undefined : await firstWrong(testCase, results);
      return wrong === undefined ? outcome("right") : outcome("wrong", wrong);
    } catch (error) {
      if (error instanceof BoltqError) return outcome("not run", error.message);
      throw error;
    }
  } catch (error) {
    if (error instanceof BoltqError) return outcome("refused", error.message);
    throw error;
  }
}

/** Makes constants of the inputs that are to be such, and gives the others. */
async function prepare({ model, inputs }: TestdataCase, form: Form): Promise<Map<string, DenseTensor>> {
  const { main } = model;
  const feeds = new Map<string, DenseTensor>();
  for (const [index, [value, tensor]] of [...inputs].entries()) {
    if (form === "all inputs" || index === 0) feeds.set(value.name, await dense(tensor));
    else {
      value.constant = tensor;
      main.initializers.push(value);
    }
  }
  return feeds;
}

/** The inputs that are left, by place: X2bolt takes out those that nothing reads, and one that is an output has its name. */
function given(
  session: Session,
  inputs: readonly ConvertedInput[],
  feeds: ReadonlyMap<string, DenseTensor>,
): Map<string, DenseTensor> {
  const left = inputs.map(({ source }, index) => [session.inputs[index]!.name, feeds.get(source)!] as const);
  return fitInputs(session.inputs, new Map(left));
}

async function dense(tensor: OnnxTensor): Promise<DenseTensor> {
  return denseTensor(tensor.type === "bfloat16" ? "float32" : tensor.type, tensor.shape, await numbersOf(tensor));
}

/** What is wrong about the first output that is; undefined where all are right. */
async function firstWrong({ outputs }: TestdataCase, results: readonly DenseTensor[]): Promise<string | undefined> {
  for (const [index, [{ name }, expected]] of [...outputs].entries()) {
    const numbers = await numbersOf(expected);
    const actual = results[index] === undefined ? [] : denseValues(results[index]);
    if (actual.length !== numbers.length) return `"${name}" has ${actual.length} elements instead of ${numbers.length}`;
    // What is float64 in the model is float32 in Bolt.
    const wanted = Array.from(numbers, Math.fround);
    const magnitude = wanted.reduce(
      (most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most),
      0,
    );
    const least = (TOLERANCE[expected.type] ?? USUAL_TOLERANCE) * Math.max(1e-3, magnitude);
    const place = wanted.findIndex(
      (want, at) => !Object.is(want, actual[at]) && !(Math.abs(want - actual[at]!) <= least),
    );
    if (place >= 0) return `"${name}" is ${actual[place]} instead of ${wanted[place]} at ${place}`;
  }
  return undefined;
}

/** How often each operator is among these cases, most often first. */
function countByOperator(outcomes: readonly Outcome[]): string {
  const counts = new Map<string, number>();
  for (const { operators } of outcomes) for (const type of operators) counts.set(type, (counts.get(type) ?? 0) + 1);
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .map(([type, count]) => `${type} ${count}`)
    .join(", ");
}

describeWithTestdata("X2bolt on ONNX's own cases", () => {
  const outcomes: Outcome[] = [];

  beforeAll(async () => {
    for (const folder of testdataCases()) {
      for (const form of ["all inputs", "first input"] as const) outcomes.push(await outcomeOf(folder, form));
    }
  }, 240_000);

  const listed = (result: Outcome["result"]) =>
    outcomes.filter((outcome) => outcome.result === result).map(({ name, detail }) => `${name}: ${detail}`);

  it("gives no wrong numbers", () => {
    expect(listed("wrong")).toEqual([]);
  });

  it("converts to nothing that cannot run", () => {
    expect(listed("not run").filter((outcome) => !NOT_RUN.test(outcome))).toEqual([]);
  });

  it("refuses what it does not convert, whichever inputs are constants", () => {
    const names = new Set(outcomes.map(({ name }) => name));
    const converted = new Set(outcomes.filter(({ result }) => result !== "refused").map(({ name }) => name));
    const refused = [...names].filter((name) => !converted.has(name));
    const once = refused.map((name) => outcomes.findLast((outcome) => outcome.name === name)!);
    const list = once.map(({ name, detail }) => `  ${name}: ${detail}`).join("\n");
    console.info(`${refused.length} of ${names.size} cases are refused: ${countByOperator(once)}\n${list}`);
    expect(refused.length / names.size).toBeLessThan(MOST_REFUSED);
  });
});
