/** What the two files of a Caffe net are called. */
export const WEIGHTS = ".caffemodel";
export const DESCRIPTION = ".prototxt";

/** A NetParameter: its name, or its first layer (of today, or old: there the next byte is no letter). */
export function isWeights(head: Uint8Array): boolean {
  if (head[0] === 0x0a) return true;
  if (head[0] === 0xa2 && head[1] === 0x06) return true;
  const afterLength = head.findIndex((byte, index) => index > 0 && byte < 0x80) + 1;
  return head[0] === 0x12 && afterLength > 0 && head[afterLength]! < 0x30;
}

/** Text whose first field is one of a NetParameter. */
export function isDescription(head: Uint8Array): boolean {
  const text = new TextDecoder().decode(head);
  return /^(\ufeff|\s|#[^\n]*(\n|$))*(name|layers?|input(_dim|_shape)?|output|force_backward|state|debug_info)\s*[:{]/.test(
    text,
  );
}
