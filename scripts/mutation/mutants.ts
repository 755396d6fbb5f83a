import { parseAst } from "rolldown/parseAst";

/** One change of a source file: the text from `start` to `end` becomes `replacement`. */
export interface Mutant {
  readonly file: string;
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly original: string;
  readonly replacement: string;
}

/** A node of the syntax tree; what it holds depends on its type (ESTree, with TypeScript's nodes). */
interface Syntax {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

/** Operators, and what each is exchanged for. */
const OPERATORS: Readonly<Record<string, string>> = {
  "<": "<=",
  "<=": "<",
  ">": ">=",
  ">=": ">",
  "===": "!==",
  "!==": "===",
  "+": "-",
  "-": "+",
  "*": "/",
  "/": "*",
  "%": "*",
  "**": "*",
  "<<": ">>",
  ">>": "<<",
  "&": "|",
  "|": "&",
  "&&": "||",
  "||": "&&",
  "+=": "-=",
  "-=": "+=",
  "*=": "/=",
  "/=": "*=",
  "++": "--",
  "--": "++",
};

/** Methods, and what each is exchanged for. */
const METHODS: Readonly<Record<string, string>> = {
  max: "min",
  min: "max",
  floor: "ceil",
  ceil: "floor",
  trunc: "ceil",
  every: "some",
  some: "every",
};

/** TypeScript's wrappers of an expression; all else of TypeScript is types. */
const TRANSPARENT: ReadonlySet<string> = new Set(["TSAsExpression", "TSNonNullExpression", "TSSatisfiesExpression"]);

/** Every mutant of a source file. Types, texts, imports and what error messages say are left alone. */
export function mutantsOf(file: string, text: string): Mutant[] {
  const mutants: Mutant[] = [];
  const add = (start: number, end: number, replacement: string) => {
    const line = text.slice(0, start).split("\n").length;
    mutants.push({ file, line, start, end, original: text.slice(start, end), replacement });
  };
  const visit = (node: Syntax): void => {
    if (isLeftAlone(node)) return;
    mutate(node, text, add);
    for (const child of childrenOf(node)) visit(child);
  };
  visit(parseAst(text, { lang: "ts" }) as unknown as Syntax);
  return mutants;
}

function isLeftAlone({ type, callee }: Syntax): boolean {
  if (type.startsWith("Import") && type !== "ImportExpression") return true;
  if (type.startsWith("TS")) return !TRANSPARENT.has(type);
  return type === "NewExpression" && (callee as Syntax)["name"] === "BoltqError";
}

function childrenOf(node: Syntax): Syntax[] {
  const fields = TRANSPARENT.has(node.type) ? [node["expression"]] : Object.values(node);
  return fields.flat().filter((field): field is Syntax => isSyntax(field));
}

function isSyntax(value: unknown): value is Syntax {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

type Add = (start: number, end: number, replacement: string) => void;

function mutate(node: Syntax, text: string, add: Add): void {
  switch (node.type) {
    case "BinaryExpression":
    case "LogicalExpression":
    case "AssignmentExpression":
      exchangeOperator(node, text, add);
      break;
    case "UpdateExpression":
    case "UnaryExpression":
      changeUnary(node, text, add);
      break;
    case "IfStatement":
    case "ConditionalExpression":
      negate(node["test"] as Syntax, text, add);
      break;
    case "Literal":
      if (typeof node["value"] === "number") add(node.start, node.end, String(node["value"] + 1));
      if (typeof node["value"] === "boolean") add(node.start, node.end, String(!node["value"]));
      break;
    case "ReturnStatement":
      if (isSyntax(node["argument"])) empty(node["argument"], add);
      break;
    case "ArrowFunctionExpression":
      if (node["expression"] === true) empty(node["body"] as Syntax, add);
      break;
    case "ExpressionStatement":
    case "ThrowStatement":
    case "BreakStatement":
    case "ContinueStatement":
      if (node["directive"] == null) add(node.start, node.end, ";");
      break;
    case "CallExpression":
      exchangeMethod(node["callee"] as Syntax, add);
      break;
  }
}

function exchangeOperator(node: Syntax, text: string, add: Add): void {
  const [left, right] = [node["left"] as Syntax, node["right"] as Syntax];
  const operator = node["operator"] as string;
  if (operator === "??") add(node.start, node.end, text.slice(left.start, left.end));
  const replacement = OPERATORS[operator];
  if (replacement === undefined || (operator.startsWith("+") && (isText(left) || isText(right)))) return;
  const start = left.end + text.slice(left.end, right.start).indexOf(operator);
  add(start, start + operator.length, replacement);
}

function isText({ type, value }: Syntax): boolean {
  return type === "TemplateLiteral" || (type === "Literal" && typeof value === "string");
}

function changeUnary(node: Syntax, text: string, add: Add): void {
  const operator = node["operator"] as string;
  const argument = node["argument"] as Syntax;
  if (operator === "!" || operator === "-") add(node.start, node.end, text.slice(argument.start, argument.end));
  if (node.type !== "UpdateExpression") return;
  const start = node["prefix"] === true ? node.start : node.end - operator.length;
  add(start, start + operator.length, OPERATORS[operator]!);
}

/** Where the condition is a comparison or a negation itself, that is changed already. */
function negate(test: Syntax, text: string, add: Add): void {
  if (test.type === "BinaryExpression" || test.type === "UnaryExpression") return;
  add(test.start, test.end, `!(${text.slice(test.start, test.end)})`);
}

function empty(value: Syntax, add: Add): void {
  if (value.type === "Identifier" && value["name"] === "undefined") return;
  if (value.type === "Literal" && typeof value["value"] === "boolean") return;
  add(value.start, value.end, value.type === "ArrayExpression" ? "[]" : "undefined");
}

function exchangeMethod(callee: Syntax, add: Add): void {
  if (callee.type !== "MemberExpression" || callee["computed"] === true) return;
  const property = callee["property"] as Syntax;
  const name = property["name"] as string;
  if (Object.hasOwn(METHODS, name)) add(property.start, property.end, METHODS[name]!);
}
