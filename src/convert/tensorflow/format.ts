import type { ModelFormat } from "../model-format.ts";
import { isJson, isSavedModel } from "./heads.ts";

/**
 * TensorFlow: a frozen graph (GraphDef, .pb), or the JSON that protobuf or Bolt's `tf2json.py` makes of one. A SavedModel
 * is known too, to say that it must be frozen.
 */
export const TENSORFLOW_FORMAT: ModelFormat = {
  name: "TensorFlow",
  suffixes: [".pb", ".json"],
  match: (head) => isGraphDef(head) || isJson(head) || isSavedModel(head),
  read: async (source, options) => (await import("./read.ts")).readTensorflow(source, options),
};

/** The first field is an operator, whose first fields are its name and type: two texts. */
function isGraphDef(head: Uint8Array): boolean {
  const name = head[0] === 0x0a ? behindLength(head, 1) : 0;
  if (name === 0 || head[name] !== 0x0a) return false;
  const length = head[name + 1]!;
  if (length > 0x7f) return true;
  const type = name + 2 + length;
  return head.length <= type || (head[type] === 0x12 && /^[A-Za-z_]/.test(String.fromCharCode(head[type + 2]!)));
}

/** Where what a length stands before begins; 0 where there is none. */
function behindLength(head: Uint8Array, at: number): number {
  const last = head.findIndex((byte, index) => index >= at && byte < 0x80);
  return last < 0 || last > at + 5 ? 0 : last + 1;
}
