/** An object with the fields of a GraphDef, in a JSON string or not. */
export function isJson(head: Uint8Array): boolean {
  return /^\ufeff?\s*"?\s*\{\s*\\?"(node|library|versions)\\?"/.test(new TextDecoder().decode(head));
}

/** Version 1, and graphs that are longer than a producer's name. */
export function isSavedModel(head: Uint8Array): boolean {
  return head[0] === 0x08 && head[1] === 0x01 && head[2] === 0x12 && head[3]! >= 0x80 && head[4]! >= 0x80;
}
