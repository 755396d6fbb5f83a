import { byteLength, type ElementType, elementCount } from "../../graph/tensor.ts";
import { type Bytes, rangeOf, type Source } from "../../io/bytes.ts";
import { BoltqError, placed } from "../../io/error.ts";
import { FlatBuffer, type FlatTable } from "../../io/flatbuffers.ts";
import {
  BUFFER,
  ELEMENT_TYPES,
  MODEL,
  OPERATOR,
  OPERATOR_CODE,
  OPERATORS,
  QUANTIZATION,
  SUBGRAPH,
  TENSOR,
} from "./schema.ts";
import { denseData } from "./sparse.ts";

/** The one graph of a TFLite file, as it is: channels last. */
export interface TfliteGraph {
  readonly name: string;
  readonly tensors: readonly TfliteTensor[];
  readonly operators: readonly TfliteOperator[];
  /** Indices of tensors. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

export interface TfliteTensor {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** Which sizes change from run to run (-1); empty where none does. */
  readonly signature: readonly number[];
  /** Of a constant; still in the file. */
  readonly data: Bytes | undefined;
  /** real = scale × (q − zeroPoint), one for all or one for each place of `axis`. */
  readonly quantization: {
    readonly scales: readonly number[];
    readonly zeroPoints: readonly number[];
    readonly axis: number;
  };
}

export interface TfliteOperator {
  /** Place in the file. */
  readonly index: number;
  /** The name in TFLite's schema, or that of a custom operator. */
  readonly type: string;
  /** Indices of tensors; -1 where an input is left out. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly options: FlatTable | undefined;
  /** Options of a custom operator, in a form of its own. */
  readonly customOptions?: Bytes | undefined;
  /** Of a convolution that was written as three operators: its dilation (height, width) and padding (see `fuseDilation`). */
  readonly dilation?: { readonly factors: readonly [number, number]; readonly pads: readonly number[] } | undefined;
}

/** An operator, for messages. */
export function subjectOf({ index, type }: Pick<TfliteOperator, "index" | "type">): string {
  return `operator ${index} (${type})`;
}

/** Reads a TFLite file; constants stay in it. Throws BoltqError `format`, `truncated`, `limit` or `unsupported`. */
export async function readTflite(source: Source): Promise<TfliteGraph> {
  const model = await new FlatBuffer(source).root();
  const version = await model.int32(MODEL.version);
  if (version !== 3) throw new BoltqError("unsupported", `this is version ${version} of TFLite's format, not 3`);
  const subgraphs = await model.tables(MODEL.subgraphs);
  const graph = subgraphs[0];
  if (graph === undefined || subgraphs.length > 1) {
    throw new BoltqError("unsupported", `the model has ${subgraphs.length} graphs, not one`, {
      remedy: "Convert the model without control flow",
    });
  }
  const codes = await Promise.all((await model.tables(MODEL.operatorCodes)).map(operatorName));
  const buffers = await model.tables(MODEL.buffers);
  const tensors: TfliteTensor[] = [];
  for (const table of await graph.tables(SUBGRAPH.tensors)) tensors.push(await readTensor(table, buffers, source));
  const operators: TfliteOperator[] = [];
  for (const table of await graph.tables(SUBGRAPH.operators))
    operators.push(await readOperator(table, operators.length, codes, tensors.length));
  const inputs = checkIndices(await graph.int32s(SUBGRAPH.inputs), tensors.length, "the graph's inputs");
  const outputs = checkIndices(await graph.int32s(SUBGRAPH.outputs), tensors.length, "the graph's outputs");
  return { name: await graph.text(SUBGRAPH.name), tensors, operators, inputs, outputs };
}

/** Newer files state the code in a second, wider field; the first then has 127 or the same. */
async function operatorName(code: FlatTable): Promise<string> {
  const number = Math.max(await code.uint8(OPERATOR_CODE.oldCode), await code.int32(OPERATOR_CODE.code));
  const name = OPERATORS[number] ?? `operator ${number}`;
  return name === "CUSTOM" ? `CUSTOM ${await code.text(OPERATOR_CODE.customCode)}` : name;
}

async function readOperator(
  table: FlatTable,
  index: number,
  codes: readonly string[],
  tensors: number,
): Promise<TfliteOperator> {
  const type = codes[await table.int32(OPERATOR.code)];
  if (type === undefined)
    throw new BoltqError("format", "its code is not in the file's list", { subject: `operator ${index}` });
  const subject = subjectOf({ index, type });
  return {
    index,
    type,
    inputs: checkIndices(await table.int32s(OPERATOR.inputs), tensors, subject, -1),
    outputs: checkIndices(await table.int32s(OPERATOR.outputs), tensors, subject),
    options: await table.table(OPERATOR.options),
    customOptions: await table.bytes(OPERATOR.customOptions),
  };
}

function checkIndices(indices: readonly number[], count: number, subject: string, least = 0): readonly number[] {
  const wrong = indices.find((index) => index < least || index >= count);
  if (wrong === undefined) return indices;
  throw new BoltqError("format", `there is no tensor ${wrong}; the file has ${count}`, { subject });
}

async function readTensor(table: FlatTable, buffers: readonly FlatTable[], source: Source): Promise<TfliteTensor> {
  const name = await table.text(TENSOR.name);
  const subject = `tensor "${name}"`;
  const number = await table.uint8(TENSOR.type);
  const type = ELEMENT_TYPES[number];
  if (type === undefined) throw new BoltqError("unsupported", `elements of type ${number} are not known`, { subject });
  const shape = await table.int32s(TENSOR.shape);
  const count = elementCount(shape);
  if (shape.some((size) => size < 0) || !Number.isSafeInteger(count))
    throw new BoltqError("format", `[${shape.join(", ")}] is no valid shape`, { subject });
  const stored = await dataOf(buffers[await table.int32(TENSOR.buffer)], source);
  const sparsity = stored && (await table.table(TENSOR.sparsity));
  const data = sparsity ? await placed({ subject }, () => denseData(sparsity, type, shape, stored)) : stored;
  if (data !== undefined && type !== "string" && data.length !== byteLength(type, count))
    throw new BoltqError("format", `${data.length} bytes do not fit ${type}[${shape.join(", ")}]`, { subject });
  return {
    name,
    type,
    shape,
    signature: await table.int32s(TENSOR.signature),
    data,
    quantization: await quantizationOf(table),
  };
}

/** Undefined where the tensor is computed. Large models have their data behind the tables. */
async function dataOf(buffer: FlatTable | undefined, source: Source): Promise<Bytes | undefined> {
  if (buffer === undefined) return undefined;
  const [offset, size] = [await buffer.uint64(BUFFER.offset), await buffer.uint64(BUFFER.size)];
  if (offset > 1 && size > 0) return rangeOf(source, offset, size);
  const data = await buffer.bytes(BUFFER.data);
  return data === undefined || data.length === 0 ? undefined : data;
}

async function quantizationOf(tensor: FlatTable): Promise<TfliteTensor["quantization"]> {
  const table = await tensor.table(TENSOR.quantization);
  if (table === undefined) return { scales: [], zeroPoints: [], axis: 0 };
  return {
    scales: await table.floats(QUANTIZATION.scale),
    zeroPoints: await table.int64s(QUANTIZATION.zeroPoint),
    axis: await table.int32(QUANTIZATION.axis),
  };
}
