import { describe, expect, it } from "vitest";
import { type Bytes, memoryBytes } from "./bytes.ts";
import { safeInteger, signed, varintsOf, WireMessage, WireWriter } from "./protobuf.ts";
import { concatenate } from "./target.ts";

async function bytesOf(writer: WireWriter): Promise<Uint8Array> {
  const { length } = writer;
  const whole = concatenate(await Promise.all(writer.parts().map((part) => part.read())));
  expect(whole.length).toBe(length);
  return whole;
}

const read = (...bytes: number[]) => WireMessage.read(memoryBytes(Uint8Array.from(bytes)));

describe("a protobuf message", () => {
  it("is written as the wire format has it", async () => {
    const writer = new WireWriter();
    writer.integer(1, 300);
    writer.integer(16, -1);
    writer.float(2, 1.5);
    writer.text(3, "ä");
    writer.packed(4, [1, 2n ** 63n - 1n]);
    writer.raw(Uint8Array.of(0x28, 7));
    expect([...(await bytesOf(writer))]).toEqual([
      ...[0x08, 0xac, 0x02],
      ...[0x80, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
      ...[0x15, 0, 0, 0xc0, 0x3f],
      ...[0x1a, 2, 0xc3, 0xa4],
      ...[0x22, 10, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
      ...[0x28, 7],
    ]);
  });

  it("is read back, the last of several fields counting", async () => {
    const inner = new WireWriter();
    inner.lazyBytes(9, memoryBytes(Uint8Array.of(1, 2, 3)));
    const writer = new WireWriter();
    writer.integer(1, 5);
    writer.integer(1, -6);
    writer.text(2, "a");
    writer.text(2, "");
    writer.float(3, -0.25);
    writer.message(4, inner);
    const message = await WireMessage.read(memoryBytes(await bytesOf(writer)));
    expect(message.integer(1)).toBe(-6);
    expect(message.integer(7, 42)).toBe(42);
    expect(message.float(3)).toBe(-0.25);
    expect(message.float(7)).toBe(0);
    expect(await message.text(2)).toBe("");
    expect(await message.texts(2)).toEqual(["a", ""]);
    expect([message.has(4), message.has(5), message.all(1).length]).toEqual([true, false, 2]);
    const nested = await WireMessage.read(message.last(4)!.data);
    expect(await nested.bytes(9)).toEqual(Uint8Array.of(1, 2, 3));
    expect([...(await message.without(new Set([1, 2, 4])))]).toEqual([0x1d, 0, 0, 0x80, 0xbe]);
  });

  it("gives repeated numbers, packed or not", async () => {
    const message = await read(0x08, 1, 0x0a, 2, 2, 3, 0x08, 4, 0x15, 0, 0, 0x80, 0x3f, 0x12, 4, 0, 0, 0, 0x40);
    expect(await message.integers(1)).toEqual([1n, 2n, 3n, 4n]);
    const floats = await (await message.fixed32Bytes(2)).read();
    expect([...new Float32Array(floats.slice().buffer)]).toEqual([1, 2]);
    const doubles = await (await read(0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f)).fixed64Bytes(1);
    expect([...new Float64Array((await doubles.read()).slice().buffer)]).toEqual([1]);
  });

  it("of more than a megabyte is taken apart without being read", async () => {
    const large = new WireWriter();
    const content = new Uint8Array(3 << 20).fill(7);
    large.integer(1, 9);
    large.bytes(2, content);
    large.text(3, "end");
    const bytes = await bytesOf(large);
    let most = 0;
    const watched: Bytes = {
      length: bytes.length,
      read: async (offset = 0, length = bytes.length - offset) => {
        most = Math.max(most, length);
        return bytes.subarray(offset, offset + length);
      },
    };
    const message = await WireMessage.read(watched);
    expect(most).toBeLessThan(100);
    expect([message.integer(1), await message.text(3), message.last(2)!.data.length]).toEqual([9, "end", 3 << 20]);
    expect(await message.last(2)!.data.read(5, 2)).toEqual(Uint8Array.of(7, 7));
  });

  const broken: readonly (readonly [string, readonly number[], string])[] = [
    ["a field cut short", [0x0a, 5, 1], "a field claims 5 bytes, but only 1 are left"],
    ["a number cut short", [0x08, 0x80], "the message ends in the middle of a field"],
    ["a number of 11 bytes", [0x08, ...new Array<number>(10).fill(0xff), 1], "a number is longer than 10 bytes"],
    ["a group", [0x0b], "3 is no wire type"],
    ["field number 0", [0x00, 1], "0 is no field number"],
  ];
  for (const [what, bytes, problem] of broken) {
    it(`is refused for ${what}`, async () => {
      await expect(read(...bytes)).rejects.toThrow(problem);
    });
  }

  it("keeps integers exact or says that it cannot", () => {
    expect(signed(2n ** 64n - 1n)).toBe(-1n);
    expect(safeInteger(-(2n ** 53n) + 1n)).toBe(-(2 ** 53) + 1);
    expect(() => safeInteger(2n ** 53n)).toThrow("9007199254740992 is too large");
    expect(varintsOf(Uint8Array.of(0x96, 1, 0))).toEqual([150n, 0n]);
    expect(() => varintsOf(Uint8Array.of(0x96))).toThrow("in the middle of a field");
  });
});
