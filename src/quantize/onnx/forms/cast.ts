import { narrowToFloat16 } from "../../../graph/float16.ts";
import { elementCount, type Tensor } from "../../../graph/tensor.ts";
import type { Bytes } from "../../../io/bytes.ts";
import { BoltqError } from "../../../io/error.ts";
import type { FormEditor } from "./form-editor.ts";
import type { WeightPlace } from "./weight-places.ts";

const FLOAT32 = 1;
const FLOAT_BYTES = 4;
const HALF_BYTES = 2;

/** A weight stored as float16 and widened by a Cast. */
export function castWeight(editor: FormEditor, { node, graph, index, value }: WeightPlace): void {
  const [half] = editor.constants(value, "float16", () => ({ float16: halfTensor(value.constant!, value.name) }));
  const [wide] = editor.once(graph, half!, () =>
    editor.add(graph, node, `${value.name}/float32`, { type: "Cast", inputs: [half], attributes: { to: FLOAT32 } }, [
      "float32",
    ]),
  );
  node.setInput(index, wide);
}

/** Of longer tensors a number beyond the half floats is an error; short ones may hold such as bounds. */
const MOST_BOUNDS = 2 ** 12;

/**
 * A float32 tensor as float16 (nearest, ties to even); converted piece by piece when it is read. Reading throws BoltqError
 * `invalid-data` where a number of a weight passes 65504.
 */
export function halfTensor({ shape, data }: Tensor, name: string): Tensor {
  const length = HALF_BYTES * elementCount(shape);
  let floats = new Uint8Array(0);
  const half: Bytes = {
    length,
    read: async (offset = 0, count = length - offset, room = undefined) => {
      const [start, end] = [Math.floor(offset / HALF_BYTES), Math.ceil((offset + count) / HALF_BYTES)];
      const size = (end - start) * FLOAT_BYTES;
      if (floats.length < size) floats = new Uint8Array(size);
      const bytes = await data.read(start * FLOAT_BYTES, size, floats);
      const target = halvesIn(room, end - start);
      narrowToFloat16(floatsOf(bytes), target);
      if (elementCount(shape) > MOST_BOUNDS) requireFinite(target, name);
      return new Uint8Array(target.buffer, target.byteOffset + offset - start * HALF_BYTES, count);
    },
  };
  return { type: "float16", shape, data: half };
}

/** A place for half floats: in `room` if they fit there. */
function halvesIn(room: Uint8Array | undefined, count: number): Uint16Array {
  const fits = room !== undefined && room.byteOffset % HALF_BYTES === 0 && room.byteLength >= HALF_BYTES * count;
  return fits ? new Uint16Array(room.buffer, room.byteOffset, count) : new Uint16Array(count);
}

/** Where they lie if a float32 number may lie there, else a copy. */
function floatsOf(bytes: Uint8Array): Float32Array {
  const { buffer, byteOffset, byteLength } = bytes;
  return byteOffset % FLOAT_BYTES === 0
    ? new Float32Array(buffer, byteOffset, byteLength / FLOAT_BYTES)
    : new Float32Array(bytes.slice().buffer);
}

const EXPONENT = 0x7c00;

function requireFinite(halves: Uint16Array, name: string): void {
  let largest = 0;
  for (let index = 0; index < halves.length; index++) largest = Math.max(largest, halves[index]! & EXPONENT);
  if (largest < EXPONENT) return;
  throw new BoltqError("invalid-data", "it holds a number that is no half float: those end at 65504", {
    subject: `weight "${name}"`,
    remedy: 'Leave the operators that read it in float32: a rule with activations of type "float"',
  });
}
