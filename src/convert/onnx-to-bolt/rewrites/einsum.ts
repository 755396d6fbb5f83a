import { textAttribute } from "../../../onnx/attributes.ts";
import type { OnnxValue } from "../../../onnx/model.ts";
import { integerTensor } from "../../../onnx/tensor-data.ts";
import type { Rewrite, RewriteTable, Rewriting } from "./rewrite.ts";

/** An operand and the letters of its axes. */
interface Term {
  readonly value: OnnxValue;
  readonly letters: readonly string[];
}

/**
 * Bolt's Einsum is right for some equations only: one of two operands becomes a product of matrices with transposes and
 * reshapes around, one of a single operand a sum and a transpose.
 */
const einsum: Rewrite = (rewriting) => {
  const { node } = rewriting;
  const sizes = new Map<string, number>();
  const [terms, stated] = textAttribute(node, "equation", "").replaceAll(" ", "").split("->");
  const operands = terms!.split(",").map((term, index): Term => {
    const shape = rewriting.staticShapeOf(index);
    const letters = lettersOf(term, shape.length);
    if (letters.length !== shape.length || new Set(letters).size < letters.length)
      rewriting.fail("Bolt has no sums over the diagonal of one operand");
    letters.forEach((letter, axis) => {
      const size = shape[axis]!;
      if ((sizes.get(letter) ?? size) !== size) rewriting.fail("it repeats axes of one operand for the other");
      sizes.set(letter, size);
    });
    return { value: node.input(index), letters };
  });
  if (operands.length > 2) rewriting.fail("Bolt multiplies no more than two operands at once");
  const output = stated === undefined ? impliedOutput(operands) : expanded(stated, operands);
  const others = (index: number) =>
    new Set([...output, ...operands.flatMap(({ letters }, at) => (at === index ? [] : letters))]);
  const summed = operands.map((term, index) => withoutAxes(rewriting, term, others(index), `sum${index}`));
  const [left, right] = summed;
  const product = right === undefined ? left! : multiplied(rewriting, left!, right, output, sizes);
  const perm = output.map((letter) => product.letters.indexOf(letter));
  if (isInOrder(perm)) rewriting.replace("Identity", [product.value]);
  else rewriting.replace("Transpose", [product.value], { perm });
};

/** The axes of `...` count from the last: the same letter stands for the same axis in each term. */
function lettersOf(term: string, rank: number): string[] {
  const [before, after] = term.split("...");
  if (after === undefined) return [...term];
  const count = Math.max(0, rank - before!.length - after.length);
  const inner = Array.from({ length: count }, (_, place) => `...${count - place}`);
  return [...before!, ...inner, ...after];
}

function expanded(term: string, operands: readonly Term[]): string[] {
  const [before, after] = term.split("...");
  if (after === undefined) return [...term];
  const inner = new Set(operands.flatMap(({ letters }) => letters.filter((letter) => letter.startsWith("..."))));
  return [...before!, ...[...inner].sort().reverse(), ...after];
}

/** Without a stated output it has the letters that occur once, in alphabetical order, behind those of `...`. */
function impliedOutput(operands: readonly Term[]): string[] {
  const all = operands.flatMap(({ letters }) => letters);
  const once = all.filter((letter) => letter.length === 1 && all.indexOf(letter) === all.lastIndexOf(letter));
  return [...expanded("...", operands), ...once.sort()];
}

/** The sum over the axes that are neither put out nor multiplied. */
function withoutAxes(rewriting: Rewriting, { value, letters }: Term, kept: ReadonlySet<string>, suffix: string): Term {
  const axes = letters.flatMap((letter, axis) => (kept.has(letter) ? [] : [axis]));
  if (axes.length === 0) return { value, letters };
  const list = rewriting.constant(`${suffix}Axes`, integerTensor([axes.length], axes));
  const byAttribute = rewriting.opset < 13;
  const sum = rewriting.add("ReduceSum", byAttribute ? [value] : [value, list], suffix, {
    keepdims: 0,
    axes: byAttribute ? axes : undefined,
  });
  return { value: sum, letters: letters.filter((letter) => kept.has(letter)) };
}

/** Batch × rows × inner times batch × inner × columns; each but the batch is one axis for all its letters. */
function multiplied(
  rewriting: Rewriting,
  left: Term,
  right: Term,
  output: readonly string[],
  sizes: ReadonlyMap<string, number>,
): Term {
  const isPut = (letter: string) => output.includes(letter);
  const shared = left.letters.filter((letter) => right.letters.includes(letter));
  const batch = shared.filter(isPut);
  const inner = shared.filter((letter) => !isPut(letter));
  const rows = left.letters.filter((letter) => !shared.includes(letter));
  const columns = right.letters.filter((letter) => !shared.includes(letter));
  const one = asMatrices(rewriting, left, [batch, rows, inner], sizes, "left");
  const other = asMatrices(rewriting, right, [batch, inner, columns], sizes, "right");
  const value = rewriting.add("MatMul", [one, other], "product");
  const letters = [...batch, ...rows, ...columns];
  if (rows.length === 1 && columns.length === 1) return { value, letters };
  return {
    value: reshaped(
      rewriting,
      value,
      letters.map((letter) => sizes.get(letter)!),
      "axes",
    ),
    letters,
  };
}

/** An operand in the order of these groups of letters, with one axis for each of the last two. */
function asMatrices(
  rewriting: Rewriting,
  { value, letters }: Term,
  groups: readonly [batch: readonly string[], ...matrix: (readonly string[])[]],
  sizes: ReadonlyMap<string, number>,
  suffix: string,
): OnnxValue {
  const perm = groups.flat().map((letter) => letters.indexOf(letter));
  const ordered = isInOrder(perm) ? value : rewriting.add("Transpose", [value], `${suffix}Ordered`, { perm });
  const [batch, ...matrix] = groups;
  if (matrix.every((group) => group.length === 1)) return ordered;
  const axes = [...batch.map((letter) => [letter]), ...matrix];
  const shape = axes.map((group) => group.reduce((product, letter) => product * sizes.get(letter)!, 1));
  return reshaped(rewriting, ordered, shape, suffix);
}

function reshaped(rewriting: Rewriting, value: OnnxValue, shape: readonly number[], suffix: string): OnnxValue {
  const target = rewriting.constant(`${suffix}Shape`, integerTensor([shape.length], shape));
  return rewriting.add("Reshape", [value, target], suffix);
}

function isInOrder(perm: readonly number[]): boolean {
  return perm.every((axis, place) => axis === place);
}

/** Einstein's sums. */
export const EINSUM_REWRITES: RewriteTable = { Einsum: einsum };
