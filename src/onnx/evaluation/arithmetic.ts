import type { Dimension, ElementType } from "../../graph/tensor.ts";
import { floatAttribute, intAttribute } from "../attributes.ts";
import { broadcastPlaces, type Evaluate, type Evaluators, type KnownTensor } from "./evaluator.ts";
import { isInteger, ROUNDINGS } from "./rounding.ts";

/** Applies `calculate` to one element; what is no number becomes unknown. */
function unary(calculate: (value: number) => number): Evaluate {
  return ([input], [output]) => {
    const round = ROUNDINGS[output!.type];
    if (input === undefined || round === undefined) return undefined;
    return [input.values.map((value) => (typeof value === "number" ? round(calculate(value)) : undefined))];
  };
}

/** Combines elements of several operands from the left, with broadcasting. */
function combine(calculate: (one: Dimension, other: Dimension, type: ElementType) => Dimension): Evaluate {
  return (inputs, [output]) => {
    const operands = inputs.filter((input): input is KnownTensor => input !== undefined);
    const round = ROUNDINGS[output!.type];
    if (operands.length !== inputs.length || round === undefined) return undefined;
    const type = operands[0]!.type;
    const places = operands.map(({ shape }) => broadcastPlaces(shape, output!.shape));
    const result = places[0]!.length;
    return [
      Array.from({ length: result }, (_, index) =>
        operands.slice(1).reduce<Dimension>((left, { values }, operand) => {
          const value = calculate(left, values[places[operand + 1]![index]!], type);
          return typeof value === "number" ? round(value) : value;
        }, operands[0]!.values[places[0]![index]!]),
      ),
    ];
  };
}

/** Both operands must be numbers. */
function numbers(calculate: (one: number, other: number, type: ElementType) => number | undefined): Evaluate {
  return combine((one, other, type) =>
    typeof one === "number" && typeof other === "number" ? calculate(one, other, type) : undefined,
  );
}

/** As `numbers`, but an operand beside `neutral` (on the right; on the left too if the order is all one) stays as it is. */
function withNeutral(
  neutral: number,
  commutative: boolean,
  calculate: (one: number, other: number, type: ElementType) => number | undefined,
): Evaluate {
  return combine((one, other, type) => {
    if (typeof one === "number" && typeof other === "number") return calculate(one, other, type);
    if (other === neutral) return one;
    return commutative && one === neutral ? other : undefined;
  });
}

/** Integers divide towards zero; by zero there is no result. */
function divide(one: number, other: number, type: ElementType): number | undefined {
  if (!isInteger(type)) return one / other;
  return other === 0 ? undefined : Math.trunc(one / other);
}

/** Named dimensions are equal to themselves, and to no negative number. */
const equal = combine((one, other) => {
  if (typeof one === "number" && typeof other === "number") return one === other ? 1 : 0;
  if (typeof one === "string" && one === other) return 1;
  const negative = (value: Dimension) => typeof value === "number" && value < 0;
  return (typeof one === "string" && negative(other)) || (typeof other === "string" && negative(one)) ? 0 : undefined;
});

function compare(holds: (one: number, other: number) => boolean): Evaluate {
  return numbers((one, other) => (holds(one, other) ? 1 : 0));
}

const modulo: Evaluate = (inputs, outputs, node) => {
  const likeC = intAttribute(node, "fmod", 0) !== 0;
  return numbers((one, other) => {
    if (other === 0) return undefined;
    const rest = one % other;
    return likeC || rest === 0 || rest < 0 === other < 0 ? rest : rest + other;
  })(inputs, outputs, node);
};

/** Rounds halves to even. */
function roundHalfEven(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  if (rest !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}

const cast: Evaluate = ([input], [output]) => {
  const round = ROUNDINGS[output!.type];
  if (input === undefined || round === undefined || ROUNDINGS[input.type] === undefined) return undefined;
  const whole = isInteger(output!.type);
  return [input.values.map((value) => (typeof value === "number" ? round(value) : whole ? value : undefined))];
};

const where: Evaluate = ([condition, yes, no], [output]) => {
  if (condition === undefined || yes === undefined || no === undefined) return undefined;
  const [places, yesPlaces, noPlaces] = [condition, yes, no].map(({ shape }) => broadcastPlaces(shape, output!.shape));
  return [
    Array.from(places!, (place, index) => {
      const holds = condition.values[place];
      if (holds === undefined) return undefined;
      return holds ? yes.values[yesPlaces![index]!] : no.values[noPlaces![index]!];
    }),
  ];
};

const clip: Evaluate = ([input, least, most], outputs, node) => {
  const low = least?.values[0] ?? floatAttribute(node, "min", Number.NEGATIVE_INFINITY);
  const high = most?.values[0] ?? floatAttribute(node, "max", Number.POSITIVE_INFINITY);
  if (typeof low !== "number" || typeof high !== "number") return undefined;
  return unary((value) => Math.min(Math.max(value, low), high))([input], outputs, node);
};

/** Elementwise arithmetic, comparison and choice. */
export const ARITHMETIC: Evaluators = {
  Neg: unary((value) => -value),
  Abs: unary(Math.abs),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Round: unary(roundHalfEven),
  Sqrt: unary(Math.sqrt),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Reciprocal: unary((value) => 1 / value),
  Sign: unary(Math.sign),
  Sin: unary(Math.sin),
  Cos: unary(Math.cos),
  Tan: unary(Math.tan),
  Asin: unary(Math.asin),
  Acos: unary(Math.acos),
  Atan: unary(Math.atan),
  Sinh: unary(Math.sinh),
  Cosh: unary(Math.cosh),
  Tanh: unary(Math.tanh),
  Asinh: unary(Math.asinh),
  Acosh: unary(Math.acosh),
  Atanh: unary(Math.atanh),
  Sigmoid: unary((value) => 1 / (1 + Math.exp(-value))),
  Softplus: unary((value) => Math.max(value, 0) + Math.log1p(Math.exp(-Math.abs(value)))),
  Relu: unary((value) => (value < 0 ? 0 : value)),
  Not: unary((value) => (value === 0 ? 1 : 0)),
  Add: withNeutral(0, true, (one, other) => one + other),
  Sub: withNeutral(0, false, (one, other) => one - other),
  Mul: withNeutral(1, true, (one, other) => one * other),
  Div: withNeutral(1, false, divide),
  Pow: withNeutral(1, false, (one, other) => one ** other),
  Mod: modulo,
  Min: numbers((one, other) => Math.min(one, other)),
  Max: numbers((one, other) => Math.max(one, other)),
  Sum: withNeutral(0, true, (one, other) => one + other),
  And: numbers((one, other) => one && other),
  Or: numbers((one, other) => one || other),
  Xor: numbers((one, other) => (one === other ? 0 : 1)),
  Equal: equal,
  Less: compare((one, other) => one < other),
  Greater: compare((one, other) => one > other),
  LessOrEqual: compare((one, other) => one <= other),
  GreaterOrEqual: compare((one, other) => one >= other),
  Where: where,
  Cast: cast,
  CastLike: cast,
  Clip: clip,
};
