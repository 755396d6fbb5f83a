import { byteLength, ELEMENT_BITS, type ElementType, elementCount, stridesOf } from "../../graph/tensor.ts";
import { type Bytes, madeBytes } from "../../io/bytes.ts";
import { BoltqError } from "../../io/error.ts";
import type { FlatTable } from "../../io/flatbuffers.ts";
import { DIMENSION, SPARSE_VECTOR, SPARSITY } from "./schema.ts";

/** A level of the tree in which a sparse tensor's numbers lie: an axis, or the inside of a block along an axis. */
interface Level {
  readonly size: number;
  /** Where the children of each node of the level before begin and end; undefined where each has all. */
  readonly segments: readonly number[] | undefined;
  /** The places of these children. */
  readonly indices: readonly number[];
  /** How far apart two places of this level lie in the dense tensor. */
  readonly stride: number;
}

/** A tensor of far more zeros than this for each number that is stored is no weight. */
const MOST_ELEMENTS_PER_STORED = 1 << 10;

/**
 * A sparse tensor's data in full, zeros where nothing is stored; made when it is read. TFLite's format: levels of dense
 * axes and of compressed ones (CSR), with blocks behind. Throws BoltqError `format` or `limit` for levels that do not fit
 * the shape, or more numbers than are stored.
 */
export async function denseData(
  sparsity: FlatTable,
  type: ElementType,
  shape: readonly number[],
  stored: Bytes,
): Promise<Bytes> {
  const levels = await levelsOf(sparsity, shape);
  const size = ELEMENT_BITS[type] / 8;
  const count = elementCount(shape);
  if (!Number.isInteger(size)) throw new BoltqError("unsupported", `sparse numbers of type ${type} cannot be read`);
  if (count * size > MOST_ELEMENTS_PER_STORED * stored.length)
    throw new BoltqError("limit", `${count} numbers are far more than the ${stored.length} bytes that are stored`);
  const places = placesOf(levels, count);
  if (places.length * size !== stored.length)
    throw new BoltqError("format", `${stored.length} bytes are stored for ${places.length} numbers of type ${type}`);
  return madeBytes(byteLength(type, count), async () => {
    const dense = new Uint8Array(byteLength(type, count));
    const bytes = await stored.read();
    places.forEach((place, index) => {
      dense.set(bytes.subarray(index * size, (index + 1) * size), place * size);
    });
    return dense;
  });
}

async function levelsOf(sparsity: FlatTable, shape: readonly number[]): Promise<Level[]> {
  const order = await sparsity.int32s(SPARSITY.traversalOrder);
  const blocks = await sparsity.int32s(SPARSITY.blockMap);
  const tables = await sparsity.tables(SPARSITY.dimensions);
  const rank = shape.length;
  const isOrder = [...order].sort((one, other) => one - other).every((axis, index) => axis === index);
  if (order.length !== rank + blocks.length || tables.length !== order.length || !isOrder) misfit();
  const sizes = await Promise.all(tables.map((table) => table.int32(DIMENSION.size)));
  const strides = stridesOf(shape);
  const blockSizes = new Array<number>(rank).fill(1);
  order.forEach((axis, place) => {
    if (axis >= rank) blockSizes[blocks[axis - rank] ?? misfit()] = sizes[place]!;
  });
  const levels: Level[] = [];
  for (const [place, axis] of order.entries()) {
    const table = tables[place]!;
    const isDense = (await table.uint8(DIMENSION.format)) === 0;
    // The size of a compressed axis is not stated.
    const size = axis < rank ? shape[axis]! / blockSizes[axis]! : sizes[place]!;
    const whole = axis < rank ? axis : blocks[axis - rank]!;
    if (!Number.isInteger(size) || (isDense && size !== sizes[place])) misfit();
    const segments = isDense ? undefined : await numbersAt(table, DIMENSION.segmentsType, DIMENSION.segments);
    const indices = isDense ? [] : await numbersAt(table, DIMENSION.indicesType, DIMENSION.indices);
    if (indices.some((index) => index < 0 || index >= size)) misfit();
    levels.push({ size, segments, indices, stride: strides[whole]! * (axis < rank ? blockSizes[axis]! : 1) });
  }
  return levels;
}

/** A vector of one of three widths. */
async function numbersAt(table: FlatTable, typeField: number, valueField: number): Promise<readonly number[]> {
  const type = await table.uint8(typeField);
  const vector = await table.table(valueField);
  if (vector === undefined) return misfit();
  if (type === SPARSE_VECTOR.int32) return vector.int32s(0);
  if (type === SPARSE_VECTOR.uint16) return vector.uint16s(0);
  return Array.from((await (await vector.bytes(0))?.read()) ?? []);
}

/** Where in the dense tensor each stored number belongs, in order. */
function placesOf(levels: readonly Level[], count: number): readonly number[] {
  let nodes: readonly number[] = [0];
  for (const { size, segments, indices, stride } of levels) {
    const children: number[] = [];
    nodes.forEach((base, node) => {
      const [start, end] =
        segments === undefined ? [0, size] : [segments[node] ?? misfit(), segments[node + 1] ?? misfit()];
      if (start < 0 || end < start || (segments !== undefined && end > indices.length)) misfit();
      if (children.length + end - start > count) misfit();
      for (let index = start; index < end; index++)
        children.push(base + stride * (segments === undefined ? index : indices[index]!));
    });
    nodes = children;
  }
  return nodes;
}

function misfit(): never {
  throw new BoltqError("format", "what the file says of its sparse weights does not fit their shape");
}
