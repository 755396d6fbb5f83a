import type { OnnxValue } from "../../../onnx/model.ts";
import { type ConvertOperator, DEAD, type OperatorContext, type OperatorTable } from "../operator-context.ts";

const passed: ConvertOperator = (context) => context.input();

const passedAll: ConvertOperator = (context) => context.inputs;

/** Only one of its results is computed: the second where the condition is true. */
const choose: ConvertOperator = async (context) => {
  const [condition] = (await context.knownNumbers(1)) ?? [];
  if (condition === undefined)
    return context.fail("unsupported", "a condition that is computed while the network runs cannot be converted");
  return condition === 0 ? [context.input(), DEAD] : [DEAD, context.input()];
};

/** What it reads is what is computed of its inputs; its place among them is its second result. */
function merge(context: OperatorContext): readonly OnnxValue[] {
  if (context.inputs.length > 1) context.fail("unsupported", "both sides of a condition are computed");
  return [context.input()];
}

/** Operators that hand on what they read, or decide what is computed. */
export const FLOW: OperatorTable = {
  Identity: passed,
  IdentityN: passedAll,
  Snapshot: passed,
  StopGradient: passed,
  PreventGradient: passed,
  CheckNumerics: passed,
  EnsureShape: passed,
  PlaceholderWithDefault: passed,
  Switch: choose,
  Merge: merge,
  // The network is to be quantized anew; what training simulated is left out.
  FakeQuantWithMinMaxArgs: passed,
  FakeQuantWithMinMaxVars: passed,
  FakeQuantWithMinMaxVarsPerChannel: passed,
};
