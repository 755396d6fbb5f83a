import type { Tensor } from "../graph/tensor.ts";
import type { Bytes } from "../io/bytes.ts";
import { releaseBuffers } from "../io/release-memory.ts";
import { floatData } from "./tensor-data.ts";

const FLOAT_BYTES = 4;

/** How much of a matrix is turned, and how much of it is read, at a time. */
const MOST_BLOCK_BYTES = 1 << 25;
const MOST_READ_BYTES = 1 << 20;

/** Rows that are turned together: as many as the first cache has room for where they lie a power of two apart. */
const ROWS_TOGETHER = 8;

/** A matrix of `rows` by `columns` in float32, turned to columns by rows, some columns at a time, when it is read. */
export function transposed(tensor: Tensor, rows: number, columns: number): Bytes {
  const columnBytes = FLOAT_BYTES * rows;
  const length = columnBytes * columns;
  const perBlock = Math.min(columns, Math.max(1, Math.floor(MOST_BLOCK_BYTES / columnBytes)));
  let floats: Promise<Bytes> | undefined;
  let block: { first: number; readonly turned: Float32Array } | undefined;
  const end = () => {
    if (block !== undefined) releaseBuffers([block.turned.buffer as ArrayBuffer]);
    [block, floats] = [undefined, undefined];
  };
  return {
    length,
    sameNumbers: tensor.type === "float32" ? tensor.data : undefined,
    read: async (offset = 0, count = length - offset, room = undefined) => {
      floats ??= floatData(tensor);
      const result = room?.subarray(0, count) ?? new Uint8Array(count);
      for (let done = 0; done < count; ) {
        const first = perBlock * Math.floor((offset + done) / (perBlock * columnBytes));
        if (block?.first !== first) {
          block ??= { first, turned: new Float32Array(perBlock * rows) };
          block.first = first;
          await turnColumns(
            await floats,
            { rows, columns, first, last: Math.min(columns, first + perBlock) },
            block.turned,
          );
        }
        const bytes = new Uint8Array(block.turned.buffer);
        const part = bytes.subarray(offset + done - first * columnBytes).subarray(0, count - done);
        result.set(part, done);
        done += part.length;
      }
      if (offset + count === length) end();
      return result;
    },
  };
}

/** Columns of a matrix, from `first` to before `last`. */
interface Columns {
  readonly rows: number;
  readonly columns: number;
  readonly first: number;
  readonly last: number;
}

/** Puts the columns one after the other. Rows are read whole, many at once, where they are short or most of them is wanted. */
async function turnColumns(matrix: Bytes, part: Columns, turned: Float32Array): Promise<void> {
  const { rows, columns, first, last } = part;
  const rowBytes = FLOAT_BYTES * columns;
  const whole = rowBytes <= MOST_READ_BYTES && 4 * (last - first) >= columns;
  const perRead = whole ? Math.floor(MOST_READ_BYTES / rowBytes) : ROWS_TOGETHER;
  const width = whole ? columns : last - first;
  const values = new Float32Array(Math.min(perRead, rows) * width);
  for (let row = 0; row < rows; row += perRead) {
    const count = Math.min(perRead, rows - row);
    if (whole) await readInto(matrix, row * rowBytes, values.subarray(0, count * width));
    else
      for (let index = 0; index < count; index++)
        await readInto(
          matrix,
          (row + index) * rowBytes + FLOAT_BYTES * first,
          values.subarray(index * width, (index + 1) * width),
        );
    const from = whole ? first : 0;
    for (let begin = 0; begin < count; begin += ROWS_TOGETHER) {
      const end = Math.min(count, begin + ROWS_TOGETHER);
      for (let column = 0; column < last - first; column++) {
        const place = column * rows + row;
        for (let index = begin; index < end; index++) turned[place + index] = values[index * width + from + column]!;
      }
    }
  }
}

async function readInto(matrix: Bytes, offset: number, values: Float32Array): Promise<void> {
  const room = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const bytes = await matrix.read(offset, room.length, room);
  if (bytes.buffer !== room.buffer) room.set(bytes);
}
