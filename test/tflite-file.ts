/** A table of a FlatBuffers file made in a test: values by field number. */
export interface TableInit {
  readonly [field: number]: FieldInit;
}

export type FieldInit =
  | { readonly int8: number }
  | { readonly int32: number }
  | { readonly float: number }
  | { readonly text: string }
  | { readonly bytes: Uint8Array }
  | { readonly int32s: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly int64s: readonly number[] }
  | { readonly table: TableInit }
  | { readonly tables: readonly TableInit[] };

/** A FlatBuffers file of these tables, with the mark of a TFLite model. */
export function flatBuffer(root: TableInit): Uint8Array {
  const writer = new Writer();
  writer.reserve(4);
  writer.put(new TextEncoder().encode("TFL3"));
  writer.refer(0, writer.table(root));
  return writer.bytes();
}

class Writer {
  #bytes = new Uint8Array(64);
  #length = 0;

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  reserve(count: number): number {
    const place = this.#length;
    this.#length += count;
    while (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#bytes.length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    return place;
  }

  put(bytes: Uint8Array): number {
    const place = this.reserve(bytes.length);
    this.#bytes.set(bytes, place);
    return place;
  }

  refer(from: number, to: number): void {
    this.#view().setUint32(from, to - from, true);
  }

  /** Layout, then 8 bytes a field, then what the fields refer to. */
  table(fields: TableInit): number {
    const numbers = Object.keys(fields).map(Number);
    const count = Math.max(-1, ...numbers) + 1;
    const layout = this.reserve(4 + 2 * count);
    const place = this.reserve(4 + 8 * numbers.length);
    this.#view().setUint16(layout, 4 + 2 * count, true);
    this.#view().setUint16(layout + 2, 4 + 8 * numbers.length, true);
    this.#view().setInt32(place, place - layout, true);
    numbers.forEach((number, index) => {
      const at = place + 4 + 8 * index;
      this.#view().setUint16(layout + 4 + 2 * number, at - place, true);
      this.#field(at, fields[number]!);
    });
    return place;
  }

  #field(at: number, value: FieldInit): void {
    if ("int8" in value) this.#view().setInt8(at, value.int8);
    else if ("int32" in value) this.#view().setInt32(at, value.int32, true);
    else if ("float" in value) this.#view().setFloat32(at, value.float, true);
    else if ("table" in value) this.refer(at, this.table(value.table));
    else if ("tables" in value) this.#tables(at, value.tables);
    else this.#vector(at, value);
  }

  #tables(at: number, tables: readonly TableInit[]): void {
    const vector = this.reserve(4 + 4 * tables.length);
    this.#view().setUint32(vector, tables.length, true);
    this.refer(at, vector);
    tables.forEach((table, index) => {
      this.refer(vector + 4 + 4 * index, this.table(table));
    });
  }

  #vector(at: number, value: Exclude<FieldInit, { int8: number } | { int32: number } | { float: number }>): void {
    const [count, bytes] = encoded(value);
    const vector = this.reserve(4);
    this.put(bytes);
    this.#view().setUint32(vector, count, true);
    this.refer(at, vector);
  }

  #view(): DataView {
    return new DataView(this.#bytes.buffer);
  }
}

function encoded(value: object): [number, Uint8Array] {
  if ("text" in value) return counted(new TextEncoder().encode(value.text as string), 1);
  if ("bytes" in value) return counted(value.bytes as Uint8Array, 1);
  if ("int32s" in value) return counted(Int32Array.from(value.int32s as number[]), 4);
  if ("floats" in value) return counted(Float32Array.from(value.floats as number[]), 4);
  return counted(BigInt64Array.from((value as { int64s: number[] }).int64s, BigInt), 8);
}

function counted(data: ArrayBufferView, size: number): [number, Uint8Array] {
  return [data.byteLength / size, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];
}

/** A tensor of a model made in a test: computed, or with constant data. */
export interface TensorInit {
  readonly name: string;
  readonly shape: readonly number[];
  /** Number of the schema's TensorType; default float32. */
  readonly type?: number;
  readonly data?: ArrayBufferView;
  readonly scales?: readonly number[];
  readonly zeroPoints?: readonly number[];
}

/** An operator made in a test: its code, the tensors that it reads and gives, its options. */
export interface OperatorInit {
  readonly code: number;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly options?: TableInit;
}

/** A TFLite model of these tensors and operators. */
export function tfliteModel(
  tensors: readonly TensorInit[],
  operators: readonly OperatorInit[],
  inputs: readonly number[],
  outputs: readonly number[],
): Uint8Array {
  const buffers = tensors.map(
    ({ data }): TableInit => (data === undefined ? {} : { 0: { bytes: counted(data, 1)[1] } }),
  );
  return flatBuffer({
    0: { int32: 3 },
    1: { tables: operators.map(({ code }) => ({ 0: { int8: Math.min(code, 127) }, 3: { int32: code } })) },
    2: {
      tables: [
        {
          0: { tables: tensors.map((tensor, index) => tensorTable(tensor, index + 1)) },
          1: { int32s: inputs },
          2: { int32s: outputs },
          3: { tables: operators.map(operatorTable) },
        },
      ],
    },
    4: { tables: [{}, ...buffers] },
  });
}

function tensorTable({ name, shape, type = 0, scales, zeroPoints }: TensorInit, buffer: number): TableInit {
  const quantization = { 2: { floats: scales ?? [] }, 3: { int64s: zeroPoints ?? [] } };
  return {
    0: { int32s: shape },
    1: { int8: type },
    2: { int32: buffer },
    3: { text: name },
    ...(scales === undefined ? {} : { 4: { table: quantization } }),
  };
}

function operatorTable({ inputs, outputs, options }: OperatorInit, index: number): TableInit {
  return {
    0: { int32: index },
    1: { int32s: inputs },
    2: { int32s: outputs },
    ...(options === undefined ? {} : { 4: { table: options } }),
  };
}
