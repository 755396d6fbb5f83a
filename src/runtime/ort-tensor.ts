import { byteLength, type DenseTensor, type ElementType, elementCount } from "../graph/tensor.ts";
import { BoltqError } from "../io/error.ts";
import type { OnnxRuntimeModule, OrtTensor } from "./onnxruntime.ts";

type ElementArray =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

type ArrayConstructor = {
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): ElementArray;
  readonly BYTES_PER_ELEMENT: number;
};

/** The arrays that ONNX Runtime takes and gives, by element type; float16 travels as its bits. */
export const ELEMENT_ARRAYS: Partial<Record<ElementType, ArrayConstructor>> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
};

/** The tensor as ONNX Runtime takes it: a view where the bytes are aligned, else a copy. `name` is for messages. */
export function toOrtTensor(ort: OnnxRuntimeModule, tensor: DenseTensor, name: string): OrtTensor {
  const array = ELEMENT_ARRAYS[tensor.type];
  if (array === undefined) unsupported(name, tensor.type);
  const count = elementCount(tensor.shape);
  if (byteLength(tensor.type, count) !== tensor.data.byteLength) {
    throw new BoltqError(
      "invalid-data",
      `${tensor.shape.join("x")} elements of ${tensor.type} do not take ${tensor.data.byteLength} bytes`,
      { subject: `tensor "${name}"` },
    );
  }
  const data = tensor.data.byteOffset % array.BYTES_PER_ELEMENT === 0 ? tensor.data : tensor.data.slice();
  const elements = new array(data.buffer, data.byteOffset, count);
  return new ort.Tensor(tensor.type, elements, tensor.shape);
}

/** What ONNX Runtime gave, without copying. `name` is for messages. */
export function fromOrtTensor(tensor: OrtTensor, name: string): DenseTensor {
  const type = tensor.type as ElementType;
  if (ELEMENT_ARRAYS[type] === undefined) unsupported(name, type);
  const data = tensor.data as ElementArray;
  return {
    type,
    shape: [...tensor.dims],
    data: new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength),
  };
}

function unsupported(name: string, type: string): never {
  throw new BoltqError("unsupported", `tensors of type ${type} cannot be passed in or out`, {
    subject: `tensor "${name}"`,
  });
}
