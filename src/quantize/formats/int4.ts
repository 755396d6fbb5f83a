const ROUNDER = 6755399441055744;

/** A zero in both halves of a byte: 0 + 7. */
const ZEROS = 0x77;

/**
 * Packs values into 4-bit codes q + 7, q = round half even of float32(x * 7 / largest), two to a byte, the first in the
 * low half; the last half byte of an odd count is a zero. `target` has ceil(length / 2) bytes.
 */
export function quantizeInt4(values: Float32Array, largest: number, target: Uint8Array): void {
  if (!(largest > 0)) {
    target.fill(ZEROS);
    return;
  }
  const pairs = values.length >> 1;
  for (let index = 0; index < pairs; index++) {
    target[index] = code(values[2 * index]!, largest) | (code(values[2 * index + 1]!, largest) << 4);
  }
  if (values.length % 2 === 1) target[pairs] = code(values[values.length - 1]!, largest) | (ZEROS & 0xf0);
}

/** Packs codes from -7 to 7 in the same way. */
export function packInt4(codes: Int8Array): Uint8Array {
  const packed = new Uint8Array(Math.ceil(codes.length / 2));
  for (let index = 0; index < packed.length; index++)
    packed[index] = (codes[2 * index]! + 7) | (((codes[2 * index + 1] ?? 0) + 7) << 4);
  return packed;
}

function code(value: number, largest: number): number {
  return (Math.fround((value * 7) / largest) + ROUNDER - ROUNDER + 7) & 15;
}
