import { ELEMENT_ARRAYS, type ElementArray } from "../graph/element-arrays.ts";
import { byteLength, type DenseTensor, type ElementType, elementCount } from "../graph/tensor.ts";
import { BoltqError } from "../io/error.ts";
import type { OnnxRuntimeModule, OrtTensor } from "./onnxruntime-module.ts";

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
