import { BoltqError } from "../io/error.ts";

/** What `--help` says of the option that the commands share that fix sizes. */
export const INPUT_SHAPE_OPTION = [
  "--input-shape <NAME=1,3,224,224>",
  "sizes of an input that the model leaves open (several: a=1,2,b=3; x stands for a comma too: a=1x2)",
] as const;

/** `a=1,2,b=3` or `a=1x2,b=3` as shapes by input name. Throws `usage`. */
export function parseInputShapes(text: string): Record<string, number[]> {
  // Commas stand between sizes and between inputs: what has no "=" goes on with the sizes of the input before.
  const parts = text.replace(/,(\d+(?:x\d+)*)(?=,|$)/g, "x$1").split(",");
  return Object.fromEntries(parts.map((part) => parseInputShape(part, text)));
}

function parseInputShape(part: string, text: string): [string, number[]] {
  const [, name, list = ""] = /^(.+)=(\d+(?:x\d+)*)$/.exec(part) ?? [];
  const sizes = list.split("x").map(Number);
  if (name !== undefined && sizes.every((size) => Number.isSafeInteger(size) && size > 0)) return [name, sizes];
  throw new BoltqError("usage", `"${text}" does not give input shapes`, { remedy: "Give NAME=1,3,224,224" });
}
