import { denseTensor, denseValues } from "../../graph/dense-values.ts";
import { Graph, Value } from "../../graph/graph.ts";
import { memoryTarget } from "../../io/target.ts";
import type { OnnxNodeData } from "../../onnx/model.ts";
import { nodeData } from "../../onnx/node-data.ts";
import { writeOnnx } from "../../onnx/write.ts";
import type { Runtime, Session } from "../../runtime/runtime.ts";

/** Products of large matrices, which ONNX Runtime calculates; they are stored row by row. */
export class MatrixProducts {
  readonly #transposedLeft: Session;
  readonly #transposedRight: Session;

  private constructor(transposedLeft: Session, transposedRight: Session) {
    this.#transposedLeft = transposedLeft;
    this.#transposedRight = transposedRight;
  }

  static async open(runtime: Runtime): Promise<MatrixProducts> {
    const open = async (transposed: "transA" | "transB") =>
      runtime.createSession(await gemm(transposed), { name: "matrix product", threads: 1 });
    return new MatrixProducts(await open("transA"), await open("transB"));
  }

  /** leftᵀ · right, for matrices of `rows` rows. */
  transposedLeft(left: Float32Array, right: Float32Array, rows: number): Promise<Float32Array> {
    return multiply(this.#transposedLeft, left, right, [rows, left.length / rows], [rows, right.length / rows]);
  }

  /** left · rightᵀ, for matrices of `columns` columns. */
  transposedRight(left: Float32Array, right: Float32Array, columns: number): Promise<Float32Array> {
    const shape = (matrix: Float32Array) => [matrix.length / columns, columns];
    return multiply(this.#transposedRight, left, right, shape(left), shape(right));
  }

  async close(): Promise<void> {
    await Promise.all([this.#transposedLeft.close(), this.#transposedRight.close()]);
  }
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
      ["left", denseTensor("float32", leftShape, left)],
      ["right", denseTensor("float32", rightShape, right)],
    ]),
  );
  return denseValues(results.get("product")!) as Float32Array;
}

async function gemm(transposed: "transA" | "transB"): Promise<Uint8Array> {
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
    data: nodeData({ [transposed]: 1 }),
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
