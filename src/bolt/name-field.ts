import { BoltqError } from "../io/error.ts";

/** Bytes of every name in a Bolt file; the last one is always zero in names that Bolt wrote. */
export const NAME_BYTES = 128;

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A name as read: `residue` is the whole field where encoding `name` again would not give the same bytes. */
export interface NameField {
  readonly name: string;
  readonly residue: Uint8Array | undefined;
}

/** Reads a name field: text up to the first zero, in UTF-8, or byte by byte where that is not valid. */
export function decodeName(field: Uint8Array): NameField {
  const end = field.indexOf(0);
  const text = field.subarray(0, end < 0 ? field.byteLength : end);
  const name = decodeText(text);
  return { name, residue: isPlain(field, text.byteLength, name) ? undefined : field };
}

/** The field for `name`: `residue` itself if that is a field with this name, else the name and zeros. */
export function encodeName(name: string, residue?: Uint8Array): Uint8Array {
  if (residue !== undefined && decodeName(residue).name === name) return residue;
  const field = new Uint8Array(NAME_BYTES);
  const { read, written } = encoder.encodeInto(name, field);
  if (read < name.length || written >= NAME_BYTES) {
    throw new BoltqError(
      "unsupported",
      `a name is longer than the ${NAME_BYTES - 1} bytes that a Bolt file has room for`,
      {
        subject: `"${name}"`,
        remedy: "Shorten the name in the original model",
      },
    );
  }
  return field;
}

function decodeText(text: Uint8Array): string {
  try {
    return strictDecoder.decode(text);
  } catch {
    return Array.from(text, (code) => String.fromCharCode(code)).join("");
  }
}

function isPlain(field: Uint8Array, textLength: number, name: string): boolean {
  if (textLength >= NAME_BYTES || field.subarray(textLength).some((byte) => byte !== 0)) return false;
  const encoded = encoder.encode(name);
  return encoded.byteLength === textLength && encoded.every((byte, index) => byte === field[index]);
}
