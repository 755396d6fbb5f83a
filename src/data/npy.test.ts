import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { describeWithShared, sharedPath } from "../../test/shared.ts";
import { memorySource } from "../io/bytes.ts";
import { BoltqError } from "../io/error.ts";
import { openNpy, readNpy, writeNpy } from "./npy.ts";

function npy(header: string, data: Uint8Array): Uint8Array {
  const text = `${header}\n`;
  return Uint8Array.from([
    0x93,
    ..."NUMPY".split("").map((c) => c.charCodeAt(0)),
    1,
    0,
    text.length & 255,
    text.length >> 8,
    ...Array.from(text, (c) => c.charCodeAt(0)),
    ...data,
  ]);
}

it("turns column-major and big-endian data round", async () => {
  const file = npy(
    "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }",
    Uint8Array.of(0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6),
  );
  const { type, shape, data } = await readNpy(memorySource(file));
  expect(type).toBe("int16");
  expect(shape).toEqual([2, 3]);
  expect([...new Int16Array(data.buffer)]).toEqual([1, 2, 3, 4, 5, 6]);
});

it("refuses lies and other files by name", async () => {
  const liar = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }", new Uint8Array(4));
  for (const bytes of [
    liar,
    new Uint8Array(0),
    new TextEncoder().encode("not an array at all"),
    npy("{}", new Uint8Array(0)),
  ]) {
    await expect(readNpy(memorySource(bytes, "x.npy"))).rejects.toThrow(BoltqError);
  }
});

describeWithShared("arrays that NumPy wrote", () => {
  it("are written again with the same bytes", async () => {
    const files = readdirSync(sharedPath("golden", "bolt_ops"), { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".npy"),
    );
    expect(files.length).toBeGreaterThan(100);
    for (const file of files) {
      const bytes = new Uint8Array(readFileSync(sharedPath("golden", "bolt_ops", file)));
      const tensor = await readNpy(memorySource(bytes, file));
      expect(await readNpy(memorySource(writeNpy(tensor)))).toEqual(tensor);
    }
  });
});

const HEADER = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
const FOUR = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);

it("reads one row at a time, of both memory orders", async () => {
  for (const [order, rows] of [
    [
      "False",
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [
      "True",
      [
        [1, 3],
        [2, 4],
      ],
    ],
  ] as const) {
    const array = await openNpy(memorySource(npy(HEADER.replace("False", order), FOUR)));
    expect(array).toMatchObject({ type: "float32", shape: [2, 2], rowBytes: order === "True" ? 16 : 8 });
    for (const [index, row] of rows.entries()) {
      const { shape, data } = await array.readRow(index);
      expect(shape).toEqual([1, 2]);
      expect([...new Float32Array(data.slice().buffer)]).toEqual(row);
    }
  }
});

it("reads headers of versions 2 and 3", async () => {
  for (const version of [2, 3]) {
    const old = npy(HEADER, FOUR);
    const file = Uint8Array.from([...old.subarray(0, 6), version, 0, old[8]!, old[9]!, 0, 0, ...old.subarray(10)]);
    expect([...new Float32Array((await readNpy(memorySource(file))).data.slice().buffer)]).toEqual([1, 2, 3, 4]);
  }
});

it("leaves the bytes that it reads as they are", async () => {
  const file = npy("{'descr': '>i2', 'fortran_order': False, 'shape': (2,), }", Uint8Array.of(0, 1, 2, 0));
  const before = file.slice();
  expect([...new Int16Array((await readNpy(memorySource(file))).data.slice().buffer)]).toEqual([1, 512]);
  expect(file).toEqual(before);
});

it("turns an array of three dimensions round", async () => {
  const header = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 2), }";
  const { data } = await readNpy(
    memorySource(
      npy(
        header,
        Uint8Array.from({ length: 12 }, (_, index) => index),
      ),
    ),
  );
  expect([...data]).toEqual([0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11]);
});

for (const [header, wanted] of [
  [HEADER.replace("<f4", "|O"), "an array with the header {'descr': '|O'"],
  [HEADER.replace("<f4", "<c8"), "cannot be read. Save it as a plain array of numbers"],
  [HEADER.replace("(2, 2)", "(-2, 2)"), "cannot be read"],
  [HEADER.replace("(2, 2)", "(99999999, 99999999, 99999999)"), "(99999999, 99999999, 99999999) is no valid shape"],
  [HEADER.replace("(2, 2)", `(${"1,".repeat(65)})`), "is no valid shape"],
  [HEADER.replace("(2, 2)", "(2, 3)"), "24 bytes are needed at byte"],
] as const) {
  it(`refuses ${header.slice(0, 80)}`, async () => {
    await expect(readNpy(memorySource(npy(header, FOUR), "x.npy"))).rejects.toThrow(wanted);
  });
}

it("refuses a header of endless length before it is read", async () => {
  const file = Uint8Array.from([...npy(HEADER, FOUR).subarray(0, 6), 2, 0, 1, 0, 1, 0]);
  await expect(readNpy(memorySource(file, "x.npy"))).rejects.toThrow(
    "x.npy: the header is 65537 bytes long, more than 65536",
  );
});

it("writes as NumPy does: a header padded to 64 bytes, with the order that the type has", () => {
  const text = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);
  const vector = writeNpy({ type: "float32", shape: [4], data: FOUR });
  expect(vector.length).toBe(128 + 16);
  expect(text(vector.subarray(10, 128))).toBe(
    `${"{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }".padEnd(117)}\n`,
  );
  expect([...vector.subarray(128)]).toEqual([...FOUR]);
  expect(text(writeNpy({ type: "uint8", shape: [4, 4], data: FOUR }))).toContain(
    "'|u1', 'fortran_order': False, 'shape': (4, 4), }",
  );
  expect(() => writeNpy({ type: "bfloat16", shape: [8], data: FOUR })).toThrow("NumPy has no element type bfloat16");
});
