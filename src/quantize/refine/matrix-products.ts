import { denseValues } from "../../graph/dense-values.ts";
import { Graph, Value } from "../../graph/graph.ts";
import type { DenseTensor } from "../../graph/tensor.ts";
import { memoryTarget } from "../../io/target.ts";
import type { OnnxNodeData } from "../../onnx/model.ts";
import { nodeData } from "../../onnx/node-data.ts";
import { writeOnnx } from "../../onnx/write.ts";
import type { Runtime, Session } from "../../runtime/runtime.ts";

/** Products of fewer numbers than this are not worth a run of ONNX Runtime. */
const SMALL = 1 << 18;

/** Products of matrices, which are stored row by row; the large ones are calculated by ONNX Runtime. */
export class MatrixProducts {
  readonly #plain: Session;
  readonly #transposed: Session;

  private constructor(plain: Session, transposed: Session) {
    this.#plain = plain;
    this.#transposed = transposed;
  }

  static async open(runtime: Runtime): Promise<MatrixProducts> {
    const open = async (transposed: 0 | 1) =>
      runtime.createSession(await gemm(transposed), { name: "matrix product", threads: 1, placement: "direct" });
    return new MatrixProducts(await open(0), await open(1));
  }

  /** left · right, for a left matrix of `inner` columns. */
  async times(left: Float32Array, right: Float32Array, inner: number): Promise<Float32Array> {
    const [rows, columns] = [left.length / inner, right.length / inner];
    if (rows * columns * inner < SMALL) return smallTimes(left, right, rows, inner, columns);
    return multiply(this.#plain, left, right, [rows, inner], [inner, columns]);
  }

  /** left · rightᵀ, for matrices of `columns` columns. */
  async timesTransposed(left: Float32Array, right: Float32Array, columns: number): Promise<Float32Array> {
    const [rows, others] = [left.length / columns, right.length / columns];
    if (rows * others * columns < SMALL) return smallTimesTransposed(left, right, rows, columns, others);
    return multiply(this.#transposed, left, right, [rows, columns], [others, columns]);
  }

  async close(): Promise<void> {
    await Promise.all([this.#plain.close(), this.#transposed.close()]);
  }
}

function smallTimes(
  left: Float32Array,
  right: Float32Array,
  rows: number,
  inner: number,
  columns: number,
): Float32Array {
  const product = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let index = 0; index < inner; index++) {
      const factor = left[row * inner + index]!;
      for (let column = 0; column < columns; column++)
        product[row * columns + column]! += factor * right[index * columns + column]!;
    }
  }
  return product;
}

function smallTimesTransposed(
  left: Float32Array,
  right: Float32Array,
  rows: number,
  columns: number,
  others: number,
): Float32Array {
  const product = new Float32Array(rows * others);
  for (let row = 0; row < rows; row++) {
    const first = row * columns;
    // The product of a matrix with itself is symmetric.
    for (let other = left === right ? row : 0; other < others; other++) {
      const second = other * columns;
      let sum = 0;
      for (let column = 0; column < columns; column++) sum += left[first + column]! * right[second + column]!;
      product[row * others + other] = sum;
      if (left === right) product[other * others + row] = sum;
    }
  }
  return product;
}

async function multiply(
  session: Session,
  left: Float32Array,
  right: Float32Array,
  leftShape: readonly number[],
  rightShape: readonly number[],
): Promise<Float32Array> {
  const results = await session.run(
    new Map([
      ["left", tensorOf(leftShape, left)],
      ["right", tensorOf(rightShape, right)],
    ]),
  );
  return denseValues(results.get("product")!) as Float32Array;
}

/** The numbers themselves, not a copy of them. */
function tensorOf(shape: readonly number[], { buffer, byteOffset, byteLength }: Float32Array): DenseTensor {
  return { type: "float32", shape, data: new Uint8Array(buffer, byteOffset, byteLength) };
}

async function gemm(transposed: 0 | 1): Promise<Uint8Array> {
  const graph = new Graph<OnnxNodeData>("product");
  const value = (name: string) =>
    new Value<OnnxNodeData>(name, { type: { type: "float32", shape: [`${name}0`, `${name}1`] } });
  const [left, right, product] = [value("left"), value("right"), value("product")];
  graph.inputs = [left, right];
  graph.append({
    name: "product",
    type: "Gemm",
    inputs: [left, right],
    outputs: [product],
    data: nodeData({ transB: transposed }),
  });
  graph.outputs = [product];
  const target = memoryTarget();
  await writeOnnx(
    {
      format: "onnx",
      irVersion: 8,
      opsets: new Map([["", 13]]),
      producerName: "boltq",
      producerVersion: "",
      domain: "",
      modelVersion: 0,
      documentation: "",
      metadata: new Map(),
      functions: [],
      main: { graph, initializers: [], valueInfos: new Map(), documentation: "", unknownFields: new Uint8Array(0) },
      unknownFields: new Uint8Array(0),
    },
    target,
  );
  return target.result();
}
