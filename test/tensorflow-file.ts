import { WireWriter } from "../src/io/protobuf.ts";

/** A constant of a graph made in a test. */
export interface ConstantInit {
  readonly shape: readonly number[];
  readonly floats?: readonly number[];
  readonly int32s?: readonly number[];
  /** States the values one by one, not as bytes. */
  readonly listed?: boolean;
}

export type AttributeInit =
  | { readonly text: string }
  | { readonly integer: number }
  | { readonly float: number }
  | { readonly flag: boolean }
  | { readonly type: number }
  | { readonly shape: readonly number[] }
  | { readonly integers: readonly number[] }
  | { readonly constant: ConstantInit };

/** An operator made in a test. */
export interface NodeInit {
  readonly name: string;
  readonly op: string;
  readonly input?: readonly string[];
  readonly attr?: Readonly<Record<string, AttributeInit>>;
}

const FLOAT = 1;
const INT32 = 3;

/** An input of the network. */
export function placeholder(name: string, shape: readonly number[], type: number = FLOAT): NodeInit {
  return { name, op: "Placeholder", attr: { dtype: { type }, shape: { shape } } };
}

export function constant(name: string, init: ConstantInit): NodeInit {
  return { name, op: "Const", attr: { value: { constant: init } } };
}

/** The bytes of a GraphDef with these operators. */
export async function graphDef(nodes: readonly NodeInit[]): Promise<Uint8Array> {
  const graph = new WireWriter();
  for (const { name, op, input = [], attr = {} } of nodes) {
    const node = new WireWriter();
    node.text(1, name);
    node.text(2, op);
    for (const reference of input) node.text(3, reference);
    for (const [key, value] of Object.entries(attr)) {
      const entry = new WireWriter();
      entry.text(1, key);
      entry.message(2, attribute(value));
      node.message(5, entry);
    }
    graph.message(1, node);
  }
  const parts = await Promise.all(graph.parts().map((part) => part.read()));
  return new Uint8Array(Buffer.concat(parts));
}

function attribute(value: AttributeInit): WireWriter {
  const writer = new WireWriter();
  if ("text" in value) writer.text(2, value.text);
  else if ("integer" in value) writer.integer(3, value.integer);
  else if ("float" in value) writer.float(4, value.float);
  else if ("flag" in value) writer.integer(5, Number(value.flag));
  else if ("type" in value) writer.integer(6, value.type);
  else if ("shape" in value) writer.message(7, shapeMessage(value.shape));
  else if ("constant" in value) writer.message(8, tensorMessage(value.constant));
  else {
    const list = new WireWriter();
    list.packed(3, value.integers);
    writer.message(1, list);
  }
  return writer;
}

function shapeMessage(shape: readonly number[]): WireWriter {
  const writer = new WireWriter();
  for (const size of shape) {
    const dimension = new WireWriter();
    dimension.integer(1, size);
    writer.message(2, dimension);
  }
  return writer;
}

function tensorMessage({ shape, floats, int32s, listed = false }: ConstantInit): WireWriter {
  const tensor = new WireWriter();
  tensor.integer(1, floats === undefined ? INT32 : FLOAT);
  tensor.message(2, shapeMessage(shape));
  const data = floats === undefined ? Int32Array.from(int32s ?? []) : Float32Array.from(floats);
  if (!listed) tensor.bytes(4, new Uint8Array(data.buffer));
  else if (floats === undefined) tensor.packed(7, int32s ?? []);
  else tensor.bytes(5, new Uint8Array(data.buffer));
  return tensor;
}
