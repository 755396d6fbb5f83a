import { elementCount, type Tensor } from "../src/graph/tensor.ts";
import type { Source } from "../src/io/bytes.ts";
import { rangeOf } from "../src/io/bytes.ts";
import { floatTensor } from "../src/onnx/tensor-data.ts";

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** The float32 tensors of a safetensors file by name: 8 bytes of length, a JSON header, the data one after another. */
export async function readSafetensors(source: Source): Promise<Map<string, Tensor>> {
  const head = await source.read(0, 8);
  const length = Number(new DataView(head.buffer, head.byteOffset).getBigUint64(0, true));
  const header: Record<string, Entry> = JSON.parse(new TextDecoder().decode(await source.read(8, length)));
  return new Map(
    Object.entries(header)
      .filter(([, { dtype }]) => dtype === "F32")
      .map(
        ([
          name,
          {
            shape,
            data_offsets: [start, end],
          },
        ]) => [name, { type: "float32", shape, data: rangeOf(source, 8 + length + start, end - start) }],
      ),
  );
}

/** A matrix turned, as exporters store the weight of a linear layer: inputs by outputs. */
export async function turned({ shape, data }: Tensor): Promise<Tensor> {
  const [rows, columns] = shape as readonly [number, number];
  const bytes = (await data.read()).slice();
  const values = new Float32Array(bytes.buffer, 0, elementCount(shape));
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) result[column * rows + row] = values[row * columns + column]!;
  }
  return floatTensor([columns, rows], result);
}
