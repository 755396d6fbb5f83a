import { describe, expect, it } from "vitest";
import { ByteWriter } from "./byte-writer.ts";
import { type Bytes, blobSource, chunksOf, memoryBytes, memorySource, rangeOf } from "./bytes.ts";
import { Cursor } from "./cursor.ts";
import { concatenate, memoryTarget, type Target, writeWhole } from "./target.ts";

const data = Uint8Array.from({ length: 10 }, (_, index) => index);

describe("bytes", () => {
  it("are read whole, in part, and of a part", async () => {
    const bytes = memoryBytes(data);
    expect(bytes.length).toBe(10);
    expect(await bytes.read()).toEqual(data);
    expect(await bytes.read(3)).toEqual(data.subarray(3));
    expect(await bytes.read(3, 2)).toEqual(Uint8Array.of(3, 4));
    const part = rangeOf(bytes, 2, 5);
    expect(part.length).toBe(5);
    expect(await part.read()).toEqual(Uint8Array.of(2, 3, 4, 5, 6));
    expect(await part.read(4)).toEqual(Uint8Array.of(6));
    expect(await rangeOf(part, 1, 2).read()).toEqual(Uint8Array.of(3, 4));
    expect(await rangeOf(part, 5, 0).read()).toEqual(new Uint8Array(0));
  });

  it("are refused outside of what is there", async () => {
    const bytes = memoryBytes(data);
    const truncated = { code: "truncated" };
    for (const [offset, length] of [
      [8, 3],
      [-1, 2],
      [0, -1],
      [11, 0],
      [0.5, 1],
      [0, Number.NaN],
      [2 ** 60, 1],
    ] as const) {
      await expect(bytes.read(offset, length)).rejects.toMatchObject(truncated);
      expect(() => rangeOf(bytes, offset, length)).toThrow(expect.objectContaining(truncated));
    }
    const part = rangeOf(bytes, 2, 5);
    expect(() => part.read(4, 2)).toThrow("2 bytes are needed at byte 4, but there are only 5");
    await expect(blobSource(new Blob([data]), "a.bolt").read(9, 2)).rejects.toThrow(
      "a.bolt: 2 bytes are needed at byte 9",
    );
  });

  it("of a blob are those of the blob", async () => {
    const source = blobSource(new Blob([data]), "a.bolt");
    expect([source.name, source.length]).toEqual(["a.bolt", 10]);
    expect(await source.read(4, 3)).toEqual(Uint8Array.of(4, 5, 6));
  });

  it("know their place in a file", () => {
    const file: Bytes = { ...memoryBytes(data), place: { path: "net.onnx", descriptor: 7, offset: 100 } };
    expect(rangeOf(rangeOf(file, 2, 8), 3, 1).place).toEqual({ path: "net.onnx", descriptor: 7, offset: 105 });
    expect(rangeOf(memoryBytes(data), 1, 1).place).toBeUndefined();
  });

  it("come in pieces, the last one shorter", async () => {
    const pieces: number[][] = [];
    for await (const piece of chunksOf(memoryBytes(data), 4)) pieces.push([...piece]);
    expect(pieces).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ]);
    for await (const _ of chunksOf(memoryBytes(new Uint8Array(0)))) expect.unreachable();
  });
});

describe("a cursor", () => {
  const large = Uint8Array.from({ length: 200_000 }, (_, index) => index % 251);

  it("reads from front to back, over the borders of its window", async () => {
    const cursor = new Cursor(memorySource(large, "file"));
    await cursor.need(4);
    expect(cursor.takeUint32()).toBe(0x03020100);
    expect([cursor.position, cursor.remaining]).toEqual([4, 199_996]);
    cursor.skip(65_530);
    await cursor.need(8);
    expect([...cursor.takeBytes(8)]).toEqual([...large.subarray(65_534, 65_542)]);
    await cursor.need(100_000);
    expect(cursor.takeBytes(100_000)).toEqual(large.slice(65_542, 165_542));
    expect(cursor.position).toBe(165_542);
    cursor.skip(34_458);
    expect(cursor.remaining).toBe(0);
  });

  it("says where the file ends too early", async () => {
    const cursor = new Cursor(memorySource(data, "file"));
    await cursor.need(4);
    cursor.takeUint32();
    await expect(cursor.need(7)).rejects.toThrow("file, byte 4: 7 more bytes are needed here, but only 6 are left");
    expect(() => cursor.skip(7)).toThrow("file, byte 4: 7 more bytes are needed");
    expect(() => cursor.fail("format", "wrong", "Do this")).toThrow("file, byte 4: wrong. Do this");
  });
});

describe("a byte writer", () => {
  it("grows, gives what it has, and starts anew", () => {
    const writer = new ByteWriter();
    writer.uint32(0xfffefdfc);
    for (let index = 0; index < 300; index++) writer.bytes(data);
    expect(writer.length).toBe(3004);
    const taken = writer.take();
    expect([...taken.subarray(0, 6)]).toEqual([0xfc, 0xfd, 0xfe, 0xff, 0, 1]);
    expect(taken.length).toBe(3004);
    expect(writer.length).toBe(0);
    writer.bytes(new Uint8Array(10_000).fill(7));
    expect(writer.take()).toEqual(new Uint8Array(10_000).fill(7));
  });
});

describe("a target", () => {
  it("in memory keeps copies of what was written", async () => {
    const target = memoryTarget();
    const chunk = Uint8Array.of(1, 2);
    await writeWhole(target, async () => {
      await target.write(chunk);
      chunk[0] = 9;
      await target.write(chunk);
    });
    expect(target.result()).toEqual(Uint8Array.of(1, 2, 9, 2));
    expect(target.result()).toEqual(Uint8Array.of(1, 2, 9, 2));
    await target.abort();
    expect(target.result()).toEqual(new Uint8Array(0));
  });

  it("is committed after writing, aborted after a failure of either", async () => {
    const calls: string[] = [];
    const target = (fails: boolean): Target => ({
      name: "t",
      write: async () => {},
      commit: async () => {
        calls.push("commit");
        if (fails) throw new Error("commit failed");
      },
      abort: async () => void calls.push("abort"),
    });
    await writeWhole(target(false), async () => void calls.push("write"));
    expect(calls.splice(0)).toEqual(["write", "commit"]);
    await expect(writeWhole(target(true), async () => {})).rejects.toThrow("commit failed");
    expect(calls.splice(0)).toEqual(["commit", "abort"]);
    await expect(writeWhole(target(false), () => Promise.reject(new Error("full")))).rejects.toThrow("full");
    expect(calls).toEqual(["abort"]);
  });

  it("joins chunks in order", () => {
    expect(concatenate([data.subarray(0, 2), new Uint8Array(0), data.subarray(9)])).toEqual(Uint8Array.of(0, 1, 9));
  });
});
