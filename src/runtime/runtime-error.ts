import { BoltqError } from "../io/error.ts";

/** `… running Conv node. Name:'conv1' Status Message: …` and `Node (conv1) Op (Conv) …`: how ONNX Runtime names operators. */
const OPERATOR_PATTERNS: readonly { pattern: RegExp; subject: (match: RegExpMatchArray) => string }[] = [
  { pattern: /running (\S+) node\. Name:'([^']*)'/, subject: ([, type, name]) => `operator "${name}" (${type})` },
  { pattern: /Node ?\(([^)]*)\) Op \(([^)]*)\)/, subject: ([, name, type]) => `operator "${name}" (${type})` },
  {
    pattern: /implementation for (\S+?\(\d+\)) node with name '([^']*)'/,
    subject: ([, type, name]) => `operator "${name}" (${type})`,
  },
];

/** What ONNX Runtime threw, as a BoltqError `runtime` that names the model and, where it says so, the operator. */
export function runtimeError(error: unknown, model: string): BoltqError {
  if (error instanceof BoltqError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const named = OPERATOR_PATTERNS.map(
    ({ pattern, subject }) => message.match(pattern) && subject(message.match(pattern)!),
  );
  return new BoltqError("runtime", `ONNX Runtime fails: ${firstSentence(message)}`, {
    file: model,
    subject: named.find((subject) => subject !== null) ?? undefined,
    remedy: "Check that the inputs have the shapes and types the model wants, and that the model is valid",
    cause: error,
  });
}

/** The message without source locations and status codes. */
function firstSentence(message: string): string {
  return message
    .replace(/^Error: /, "")
    .replace(/^[\s\S]*Status Message: /, "")
    .replace(/\S*\/onnxruntime\/\S+:\d+ /g, "")
    .replace(/\s+/g, " ")
    .trim()
    .replace(/\.$/, "");
}
