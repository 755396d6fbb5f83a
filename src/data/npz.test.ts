import { deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { memorySource } from "../io/bytes.ts";
import { crc32 } from "./crc32.ts";
import { readNpz } from "./npz.ts";

interface Entry {
  readonly name: string;
  readonly data: Uint8Array;
  readonly method?: number;
  readonly flags?: number;
  /** What the list of entries says of the unpacked length. */
  readonly claimed?: number;
}

interface Zip {
  readonly entries: readonly Entry[];
  /** Sizes and offsets in 64 bits, as for archives above 4 GB. */
  readonly wide?: boolean;
  readonly comment?: string;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Little-endian fields of 2, 4 and 8 bytes, written as [bytes, value]. */
function record(...fields: readonly (readonly [2 | 4 | 8, number])[]): Buffer {
  return Buffer.concat(
    fields.map(([bytes, value]) => {
      const field = Buffer.alloc(bytes);
      if (bytes === 8) field.writeBigUInt64LE(BigInt(value));
      else field.writeUIntLE(value, 0, bytes);
      return field;
    }),
  );
}

/** A ZIP file by APPNOTE.TXT. */
function zip({ entries, wide = false, comment = "" }: Zip): Uint8Array {
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { name, data, method = 0, flags = 0, claimed = data.length } of entries) {
    const packed = method === 8 ? deflateRawSync(data) : Buffer.from(data);
    const local = record(
      ...([
        [4, 0x04034b50],
        [2, 20],
        [2, flags],
        [2, method],
        [4, 0],
        [4, crc32(data)],
      ] as const),
      ...([
        [4, packed.length],
        [4, data.length],
        [2, name.length],
        [2, 4],
      ] as const),
    );
    const extra = wide
      ? record([2, 7], [2, 2], [2, 0], [2, 1], [2, 24], [8, claimed], [8, packed.length], [8, offset])
      : Buffer.alloc(0);
    const [length, size, place] = wide ? [0xffffffff, 0xffffffff, 0xffffffff] : [claimed, packed.length, offset];
    central.push(
      record(
        ...([
          [4, 0x02014b50],
          [2, 20],
          [2, 20],
          [2, flags],
          [2, method],
          [4, 0],
          [4, crc32(data)],
        ] as const),
        ...([
          [4, size],
          [4, length],
          [2, name.length],
          [2, extra.length],
          [2, 3],
          [2, 0],
          [2, 0],
          [4, 0],
        ] as const),
        [4, place],
      ),
      Buffer.from(name),
      extra,
      Buffer.from("abc"),
    );
    parts.push(local, Buffer.from(name), record([2, 9], [2, 0]), packed);
    offset += local.length + name.length + 4 + packed.length;
  }
  const list = Buffer.concat(central);
  const end64 = wide
    ? [
        record([4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0], [8, entries.length], [8, entries.length]),
        record([8, list.length], [8, offset]),
        record([4, 0x07064b50], [4, 0], [8, offset + list.length], [4, 1]),
      ]
    : [];
  const [size, place] = wide ? [0xffffffff, 0xffffffff] : [list.length, offset];
  const count = entries.length;
  const end = record(
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, count],
    [2, count],
    [4, size],
    [4, place],
    [2, comment.length],
  );
  return Buffer.concat([...parts, list, ...end64, end, Buffer.from(comment)]);
}

const read = (file: Uint8Array) => readNpz(memorySource(file, "a.npz"));

async function contents(file: Uint8Array): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for (const { name, open } of await read(file)) {
    const source = await open();
    found.push([name, new TextDecoder().decode(await source.read())]);
    await source.close();
  }
  return found;
}

const ENTRIES: readonly Entry[] = [
  { name: "ids.npy", data: bytesOf("first, as it is") },
  { name: "notes.txt", data: bytesOf("left alone") },
  { name: "a/b.npy", data: bytesOf("second, packed ".repeat(50)), method: 8 },
];
const WANTED = [
  ["ids", "first, as it is"],
  ["a/b", "second, packed ".repeat(50)],
];

describe("an archive of arrays", () => {
  it("gives its arrays in order, packed or not, and nothing else", async () => {
    expect(await contents(zip({ entries: ENTRIES }))).toEqual(WANTED);
    expect(await contents(zip({ entries: [] }))).toEqual([]);
  });

  it("may have a comment, and sizes in 64 bits", async () => {
    expect(await contents(zip({ entries: ENTRIES, comment: "a comment PK" }))).toEqual(WANTED);
    expect(await contents(zip({ entries: ENTRIES, wide: true }))).toEqual(WANTED);
    expect(await contents(zip({ entries: ENTRIES, wide: true, comment: "x" }))).toEqual(WANTED);
  });

  it("names its entries as places for messages", async () => {
    const [entry] = await read(zip({ entries: ENTRIES }));
    const source = await entry!.open();
    expect([source.name, source.length]).toEqual(["a.npz:ids.npy", 15]);
  });

  it("is refused when it is no archive, or its list is damaged", async () => {
    await expect(read(bytesOf("no archive at all, however long it may be"))).rejects.toThrow(
      "a.npz: the .npz file is damaged: it has no list of entries",
    );
    const whole = zip({ entries: ENTRIES });
    const end = whole.length - 22;
    const changed = (at: number, value: number) => {
      const copy = Buffer.from(whole);
      copy.writeUInt32LE(value, at);
      return copy;
    };
    await expect(read(changed(end + 12, 1 << 25))).rejects.toThrow("its list of entries is too long");
    await expect(read(changed(end + 16, whole.length))).rejects.toThrow("bytes are needed at byte");
    await expect(read(changed(end + 16, 0xffffffff))).rejects.toThrow("it has no list of entries");
    const list = Buffer.from(whole).readUInt32LE(end + 16);
    await expect(read(changed(list + 28, 0xffff))).rejects.toThrow("its list of entries is cut short");
  });

  it("refuses entries that it cannot read when they are opened", async () => {
    const opened = async (entry: Partial<Entry>, change: (file: Buffer) => void = () => {}) => {
      const file = Buffer.from(zip({ entries: [{ ...ENTRIES[0]!, ...entry }] }));
      change(file);
      const [first] = await read(file);
      return first!.open();
    };
    const packing = 'its entry "ids.npy" is encrypted or packed in another way than deflate. Save it with numpy.savez';
    await expect(opened({ flags: 1 })).rejects.toThrow(packing);
    await expect(opened({ method: 12 })).rejects.toThrow(packing);
    await expect(opened({}, (file) => file.writeUInt32LE(1, 0))).rejects.toThrow("is not where it should be");
    await expect(opened({ method: 8, claimed: 1 << 20 })).rejects.toThrow('the size of "ids.npy" is a lie');
    const source = await opened({ method: 8, claimed: 17 });
    await expect(source.read()).rejects.toThrow("a.npz:ids.npy: the packed data ends too early");
  });
});
