import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateRawSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeWithShared, sharedPath } from "../../../test/shared.ts";
import { denseTensor, denseValues } from "../../graph/dense-values.ts";
import { memorySource } from "../../io/bytes.ts";
import { BoltqError } from "../../io/error.ts";
import type { Signature } from "../../onnx/model.ts";
import type { Dataset, DatasetRange, Sample } from "../dataset.ts";
import { decodeImage, decodePng } from "../image/node/decoders.ts";
import { readNpy, writeNpy } from "../npy.ts";
import { preset } from "../preprocess/specification.ts";
import { openDataset } from "./open-dataset.ts";
import { writePreview } from "./write-preview.ts";

const fixture = (name: string) =>
  JSON.parse(readFileSync(join(fileURLToPath(import.meta.url), "../../../../test/fixtures", name), "utf8"));
const pictures = fixture("pictures.json") as Record<string, { file: string; pixels: string }>;
const archives = fixture("archives.json") as Record<string, string>;
const picture = (name: string) => Buffer.from(pictures[name]!.file, "base64");

const input = (name: string, type: "float32" | "int64" | "uint8", shape: (number | string)[]): Signature => ({
  name,
  type: { type, shape },
});
const IMAGE = [input("x", "float32", [1, 3, 17, 24])];
const TOKENS = [input("ids", "int64", ["batch", "length"]), input("mask", "int64", ["batch", "length"])];

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "boltq-data-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function put(files: Record<string, Uint8Array | string>): string {
  const folder = mkdtempSync(join(root, "set-"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

const open = (path: string, inputs: readonly Signature[], range: DatasetRange = {}) =>
  openDataset(path, inputs, { preprocessing: preset("raw"), ...range });

async function all(dataset: Dataset): Promise<{ samples: Sample[]; skipped: string[] }> {
  const samples: Sample[] = [];
  const skipped: string[] = [];
  for await (const sample of dataset.samples((name, reason) => skipped.push(`${name}: ${reason}`)))
    samples.push(sample);
  return { samples, skipped };
}

const values = (sample: Sample | undefined, name: string) => Array.from(denseValues(sample!.inputs.get(name)!));
const npy = (shape: number[], numbers: number[], type: "float32" | "int32" = "float32") =>
  writeNpy(denseTensor(type, shape, numbers));

/** The header of an array of float32 numbers that are not there. */
const claiming = (shape: number[]): Uint8Array => {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(", ")}), }`.padEnd(117);
  return Buffer.concat([Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, 118, 0]), Buffer.from(`${text}\n`)]);
};

/** A .npz file of about 3 MB whose one packed array claims `shape`. */
function bomb(shape: number[]): Uint8Array {
  const packed = Buffer.concat([deflateRawSync(claiming(shape)), Buffer.alloc(3_200_000)]);
  const name = Buffer.from("x.npy");
  const sizes = (head: Buffer, at: number) => {
    head.writeUInt16LE(8, at);
    head.writeUInt32LE(packed.length, at + 10);
    head.writeUInt32LE(128 + 4 * shape.reduce((product, size) => product * size), at + 14);
    head.writeUInt16LE(name.length, at + 18);
  };
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  sizes(local, 8);
  const central = Buffer.alloc(46);
  central.writeUInt32LE(0x02014b50, 0);
  sizes(central, 10);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(central.length + name.length, 12);
  end.writeUInt32LE(local.length + name.length + packed.length, 16);
  return Buffer.concat([local, name, packed, central, name, end]);
}

describe("a folder of pictures", () => {
  it("is read with its sub-folders, by path; what cannot be read is named and left out", async () => {
    const folder = put({
      "b/2.png": picture("png-rgb"),
      "b/1.JPEG": picture("jpeg-gray"),
      "a/9.webp": picture("webp-lossless"),
      "z.jpg": picture("jpeg-progressive"),
      "a/cmyk.jpg": picture("jpeg-cmyk"),
      "a/text.png": "no picture",
      "notes.txt": "left alone",
      ".hidden.png": "left alone",
    });
    const dataset = await open(folder, IMAGE);
    expect(dataset.names).toEqual(["a/9.webp", "a/cmyk.jpg", "a/text.png", "b/1.JPEG", "b/2.png", "z.jpg"]);
    const { samples, skipped } = await all(dataset);
    expect(samples.map(({ name }) => name)).toEqual(["a/9.webp", "b/1.JPEG", "b/2.png", "z.jpg"]);
    expect(skipped).toEqual(["a/cmyk.jpg: the picture is in CMYK colours", "a/text.png: this is no picture"]);
    const { pixels } = await decodeImage(picture("webp-lossless"), "");
    const planes = [0, 1, 2].flatMap((plane) => Array.from(pixels).filter((_, index) => index % 3 === plane));
    expect(values(samples[0], "x")).toEqual(planes);
  });

  it("is an error when more than half of it cannot be read, with a file and its reason", async () => {
    const folder = put({ "1.png": "no", "2.png": new Uint8Array(0), "3.png": picture("png-rgb") });
    await expect(all(await open(folder, IMAGE))).rejects.toThrow(
      /^2 of 3 examples cannot be read; .*2.png: the file is empty/,
    );
  });

  it("is turned upright, except for Bolt's own formats", async () => {
    const folder = put({ "1.jpg": picture("jpeg-exif") });
    const shape = [input("x", "float32", [1, 3, 24, 17])];
    const raw = await all(await open(folder, shape));
    const bolt = await all(
      await openDataset(folder, shape, { preprocessing: { ...preset("raw"), bolt: "RGB_RAW", scale: [1] } }),
    );
    const upright = Buffer.from(fixture("pictures.json")["jpeg-exif"].upright, "base64");
    expect(values(raw.samples[0], "x").slice(0, 17)).toEqual(Array.from({ length: 17 }, (_, x) => upright[3 * x]));
    expect(values(bolt.samples[0], "x").slice(0, 17)).not.toEqual(values(raw.samples[0], "x").slice(0, 17));
  });

  it("must fit the model", async () => {
    const folder = put({ "1.png": picture("png-rgb") });
    for (const [shape, message] of [
      [[1, 1, 8, 8], /pictures become 1x3x8x8.*--channels/],
      [[1, 8, 8, 3], /--layout/],
      [[1, 3, "h", "w"], /--size/],
      [[1, 10], /takes no pictures/],
    ] as const) {
      await expect(open(folder, [input("x", "float32", [...shape])])).rejects.toThrow(message);
    }
    await expect(open(folder, TOKENS)).rejects.toThrow(/takes 2.*\.npz/);
  });

  it("must be there and hold something", async () => {
    await expect(open(join(root, "absent"), IMAGE)).rejects.toThrow("no such file or folder");
    await expect(open(put({}), IMAGE)).rejects.toThrow("there are no examples here");
    await expect(open(put({ "a.png": "" }), IMAGE, { offset: 1 })).rejects.toThrow("1 examples");
  });

  it("becomes the whole numbers that a uint8 input takes", async () => {
    const folder = put({ "1.png": picture("png-rgb") });
    const { samples } = await all(await open(folder, [input("x", "uint8", [1, 3, 9, 13])]));
    expect(samples[0]?.inputs.get("x")?.type).toBe("uint8");
    expect(values(samples[0], "x")[1]).toBe(Buffer.from(pictures["png-rgb"]!.pixels, "base64")[3]);
  });
});

describe("arrays", () => {
  const vector = [input("x", "float32", ["batch", 3])];

  it("hold one example a row where the model takes one at a time", async () => {
    const folder = put({
      "a.npy": npy([2, 3], [1, 2, 3, 4, 5, 6]),
      "b.npy": npy([3], [7, 8, 9]),
      "c.npy": npy([1, 3], [0, 0, 1], "int32"),
    });
    const dataset = await open(folder, vector);
    expect(dataset.names).toEqual(["a.npy#0", "a.npy#1", "b.npy", "c.npy"]);
    const { samples } = await all(dataset);
    expect(samples.map((sample) => values(sample, "x"))).toEqual([
      [1, 2, 3],
      [4, 5, 6],
      [7, 8, 9],
      [0, 0, 1],
    ]);
    expect(samples.every((sample) => sample.inputs.get("x")!.type === "float32")).toBe(true);
    expect(samples.every((sample) => `${sample.inputs.get("x")!.shape}` === "1,3")).toBe(true);
  });

  it("are not divided where the model takes a batch", async () => {
    const folder = put({ "a.npy": npy([2, 3], [1, 2, 3, 4, 5, 6]) });
    expect((await open(folder, [input("x", "float32", [2, 3])])).length).toBe(1);
  });

  it("must fit the model", async () => {
    const folder = put({ "a.npy": npy([1, 4], [1, 2, 3, 4]) });
    await expect(open(folder, vector)).rejects.toThrow(/a.npy: an array of 1x4 does not fit .*"x" of batchx3/);
    const fractions = put({ "a.npy": npy([1, 2], [1, 2.5]) });
    await expect(all(await open(fractions, [input("x", "int64", [1, 2])]))).rejects.toThrow("2.5 is no int64");
  });

  it("may not claim more than they hold, nor be without numbers", async () => {
    const empty = put({ "a.npy": claiming([2 ** 32, 0]) });
    await expect(open(empty, [input("x", "float32", ["n", "m"])])).rejects.toThrow("does not fit");
    const short = put({ "a.npy": claiming([2 ** 32, 3]) });
    await expect(all(await open(short, vector))).rejects.toThrow("51539607552 bytes are needed");
  });

  it("in an archive are named when none fits, 20 at most", async () => {
    const none = put({ "a.npz": Buffer.from("PK\x05\x06".padEnd(22, "\0"), "latin1") });
    const many = Array.from({ length: 21 }, (_, index) => input(`x${index}`, "float32", [1, 3]));
    await expect(open(none, vector)).rejects.toThrow('it has the arrays none, but the model takes "x"');
    await expect(open(none, many)).rejects.toThrow(/takes "x0", .*"x19", …\. Name the arrays/);
    await expect(open(none, many.slice(1))).rejects.toThrow(/"x20"\. Name the arrays/);
  });

  it("of a few packed bytes may not claim endless examples, or an endless one", async () => {
    const any = [input("x", "float32", ["n", "m"])];
    const wide = put({ "a.npz": bomb([1, 2 ** 28]) });
    await expect(open(wide, vector)).rejects.toThrow("an array of 1x268435456 does not fit");
    await expect(all(await open(wide, any))).rejects.toThrow("takes 1073741824 bytes, more than 536870912");
    const long = put({ "a.npz": bomb([201326592, 3]) });
    await expect(open(long, vector)).rejects.toThrow(/there are 201326592 examples, more than 4194304.*--limit/);
    expect((await open(long, vector, { limit: 2, offset: 201326580 })).names).toEqual([
      "a.npz#201326580",
      "a.npz#201326581",
    ]);
  });

  it("come from .npz by the inputs' names, packed or not, as the type the model takes", async () => {
    for (const [kind, length] of [
      ["stored", 3],
      ["compressed", 3000],
    ] as const) {
      const dataset = await open(put({ "a.npz": Buffer.from(archives[kind]!, "base64") }), TOKENS);
      expect(dataset.names).toEqual(["a.npz#0", "a.npz#1"]);
      const { samples } = await all(dataset);
      expect(samples[1]!.inputs.get("ids")!.type).toBe("int64");
      expect(values(samples[1], "ids")).toEqual(
        Array.from({ length }, (_, index) => (kind === "stored" ? index + length : (index + length) % 7)),
      );
      expect(values(samples[1], "mask")).toEqual(new Array(length).fill(1));
    }
    const other = [input("a", "int64", [1, 3]), input("ids", "int64", [1, 3])];
    const path = put({ "a.npz": Buffer.from(archives["stored"]!, "base64") });
    await expect(open(path, other)).rejects.toThrow('it has the arrays "ids", "mask", but the model takes "a", "ids"');
  });

  it("that are damaged give an error or numbers", async () => {
    let state = 7;
    const below = (limit: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state % limit;
    };
    for (let round = 0; round < 400; round++) {
      const bytes = Buffer.from(archives[round % 2 === 0 ? "stored" : "compressed"]!, "base64");
      for (let count = 1 + below(3); count > 0; count--) bytes[below(bytes.length)] = below(256);
      const path = join(root, "damaged.npz");
      writeFileSync(path, round % 5 === 0 ? bytes.subarray(0, below(bytes.length)) : bytes);
      const result = await open(path, TOKENS)
        .then(all)
        .catch((error: unknown) => error);
      if (result instanceof Error) expect(result).toBeInstanceOf(BoltqError);
    }
  }, 60_000);
});

describe("a model that takes several examples at a time", () => {
  const batchOf2 = [input("x", "float32", [2, 3])];

  it("is given that many rows, of one array or of several; the last one may be there twice", async () => {
    const folder = put({
      "a.npy": npy([3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9]),
      "b.npy": npy([3], [10, 11, 12]),
      "c.npy": npy([2, 3], [0, 0, 1, 0, 0, 2]),
      "d.npy": npy([1, 3], [5, 6, 7]),
    });
    const dataset = await open(folder, batchOf2);
    expect(dataset.names).toEqual(["a.npy#0 … a.npy#1", "a.npy#2 … b.npy", "c.npy", "d.npy"]);
    expect(dataset.length).toBe(4);
    const { samples, skipped } = await all(dataset);
    expect(samples.map((sample) => values(sample, "x"))).toEqual([
      [1, 2, 3, 4, 5, 6],
      [7, 8, 9, 10, 11, 12],
      [0, 0, 1, 0, 0, 2],
      [5, 6, 7, 5, 6, 7],
    ]);
    expect(samples.every(({ inputs }) => `${inputs.get("x")!.shape}` === "2,3")).toBe(true);
    expect(samples.map(({ name }) => name)).toEqual(dataset.names);
    expect(skipped).toEqual([]);
  });

  it("is given pictures; in place of one that cannot be read others are there twice", async () => {
    const kinds = ["png-rgb", "png-palette8", "jpeg-cmyk", "png-gray", "jpeg-cmyk", "jpeg-cmyk", "png-rgb"];
    const folder = put(Object.fromEntries(kinds.map((name, index) => [`${index}.png`, picture(name)])));
    const { samples, skipped } = await all(await open(folder, [input("x", "float32", [2, 3, 9, 13])]));
    const reason = "the picture is in CMYK colours";
    expect(skipped).toEqual([`2.png: ${reason}`, `4.png: ${reason}`, `5.png: ${reason}`]);
    expect(samples.map(({ name }) => name)).toEqual(["0.png … 1.png", "3.png", "6.png"]);
    const { samples: single } = await all(await open(folder, [input("x", "float32", [1, 3, 9, 13])]));
    const [first, second, third, last] = single.map((sample) => values(sample, "x"));
    expect(samples.map((sample) => values(sample, "x"))).toEqual([
      [...first!, ...second!],
      [...third!, ...third!],
      [...last!, ...last!],
    ]);
  });

  it("is divided into shards of whole batches", async () => {
    const folder = put({
      "a.npy": npy(
        [9, 3],
        Array.from({ length: 27 }, (_, index) => index),
      ),
    });
    const part = (index: number) => open(folder, batchOf2, { offset: 1, limit: 7, shard: { index, count: 2 } });
    expect((await part(1)).names).toEqual(["a.npy#1 … a.npy#2", "a.npy#5 … a.npy#6"]);
    expect((await part(2)).names).toEqual(["a.npy#3 … a.npy#4", "a.npy#7"]);
  });
});

describe("what is no regular file", () => {
  it("is refused at once", async () => {
    const folder = put({ "zero.jsonl": '{"file": "/dev/zero"}', "pipe.jsonl": '{"file": "p.png"}' });
    execFileSync("mkfifo", [join(folder, "p.png")]);
    await expect(open(join(folder, "zero.jsonl"), IMAGE)).rejects.toThrow("/dev/zero is not a regular file");
    await expect(open(join(folder, "pipe.jsonl"), IMAGE)).rejects.toThrow("p.png is not a regular file");
    await expect(all(await open(join(folder, "p.png"), IMAGE))).rejects.toThrow("not a regular file");
    await expect(open("/dev/zero", IMAGE)).rejects.toThrow("there are no examples here");
  });
});

describe("a JSON-lines list", () => {
  it("holds one example a row, which must fit", async () => {
    const folder = put({ "l.jsonl": '{"x": [[1, 2, 3], [4, 5, 6]]}\n{"x": [7, 8, 9]}', "m.jsonl": '{"x": [[1, 2]]}' });
    const vector = [input("x", "float32", [1, 3])];
    const { samples } = await all(await open(join(folder, "l.jsonl"), vector));
    expect(samples.map(({ name }) => name)).toEqual(["l.jsonl:1#0", "l.jsonl:1#1", "l.jsonl:2"]);
    expect(samples.map((sample) => values(sample, "x"))).toEqual([
      [1, 2, 3],
      [4, 5, 6],
      [7, 8, 9],
    ]);
    await expect(open(join(folder, "m.jsonl"), vector)).rejects.toThrow("an array of 1x2 does not fit");
  });

  it("may hold 300,000 numbers in a line", async () => {
    const numbers = Array.from({ length: 300_000 }, (_, index) => index);
    const folder = put({ "l.jsonl": JSON.stringify({ x: numbers }) });
    const { samples } = await all(await open(join(folder, "l.jsonl"), [input("x", "float32", ["n", 300_000])]));
    expect(values(samples[0], "x")).toEqual(numbers);
  });

  it("names files beside it or holds numbers, for several inputs", async () => {
    const folder = put({
      "list.jsonl":
        '{"ids": [101, 7, 102], "mask": [1, 1, 1], "text": "left alone"}\n\n{"ids": "more/a.npy", "mask": [[1, 0]]}\n',
      "more/a.npy": npy([2], [5, 6], "int32"),
    });
    const { samples } = await all(await open(join(folder, "list.jsonl"), TOKENS));
    expect(samples.map(({ name }) => name)).toEqual(["list.jsonl:1", "more/a.npy"]);
    expect(samples.map((sample) => values(sample, "ids"))).toEqual([
      [101, 7, 102],
      [5, 6],
    ]);
    expect(samples[0]!.inputs.get("ids")).toMatchObject({ type: "int64", shape: [1, 3] });
  });

  it("takes pictures by file", async () => {
    const folder = put({ "list.jsonl": '{"file": "1.png"}\n{"x": "1.png"}', "1.png": picture("png-rgb") });
    const { samples } = await all(await open(join(folder, "list.jsonl"), IMAGE));
    expect(samples.map(({ name }) => name)).toEqual(["1.png", "1.png"]);
  });

  it("is refused with the line that is wrong", async () => {
    for (const [text, message] of [
      ['{"file": "1.png"}\n{"file": "absent.png"}', /line 2: there is no file .*absent.png/],
      ['{"file": "1.png"', /line 1: this is not valid JSON/],
      ["[1, 2]", /line 1: a line of a list must be an object/],
      ['{"y": "1.png"}', /line 1: there is no value for the input "x"/],
      ['{"x": [[1, 2], [3]]}', /line 1: "x" must be a path or evenly/],
      ['{"x": ["a"]}', /line 1: "x" must be a path or evenly/],
      ["\n \n", /the list is empty/],
    ] as const) {
      const folder = put({ "list.jsonl": text, "1.png": picture("png-rgb") });
      await expect(open(join(folder, "list.jsonl"), IMAGE)).rejects.toThrow(message);
    }
    const ids = join(put({ "ids.jsonl": '{"ids": [9007199254740993], "mask": [1]}' }), "ids.jsonl");
    await expect(all(await open(ids, TOKENS))).rejects.toThrow(/line 1: .* is no int64/);
  });
});

describe("a part of a data set", () => {
  const folder = () =>
    put(
      Object.fromEntries(
        Array.from({ length: 11 }, (_, index) => [`${String(index).padStart(2, "0")}.npy`, npy([1, 1], [index])]),
      ),
    );
  const number = [input("x", "float32", [1, 1])];

  it("is divided into shards that are all of it together", async () => {
    const path = folder();
    const whole = await open(path, number, { offset: 1, limit: 9 });
    const shards = [1, 2, 3, 4].map((index) => open(path, number, { offset: 1, limit: 9, shard: { index, count: 4 } }));
    const names = (await Promise.all(shards)).map((shard) => shard.names);
    expect(names[2]).toEqual(["03.npy", "07.npy"]);
    expect(names.flat().toSorted()).toEqual(whole.names);
    const { samples } = await all(await shards[0]!);
    expect(samples.map((sample) => values(sample, "x")[0])).toEqual([1, 5, 9]);
  });

  it("may be left early, and read again", async () => {
    const dataset = await open(folder(), number);
    for (let round = 0; round < 3; round++) {
      for await (const { name } of dataset.samples()) {
        if (name === "01.npy") break;
      }
    }
    expect((await all(dataset)).samples.length).toBe(11);
  });
});

it("a preview shows the pictures as the network sees them", async () => {
  const folder = put({ "1.png": picture("png-rgb"), "2.png": picture("png-rgb") });
  const pixels = Buffer.from(pictures["png-rgb"]!.pixels, "base64");
  for (const how of [
    preset("caffe"),
    preset("mobilenet"),
    { ...preset("imagenet"), resize: "stretch", layout: "NHWC" } as const,
    { ...preset("raw"), bolt: "BGR", scale: [0.017] } as const,
  ]) {
    const shape = how.layout === "NHWC" ? [1, 9, 13, 3] : [1, 3, 9, 13];
    const dataset = await openDataset(folder, [input("x", "float32", shape)], { preprocessing: how });
    const path = join(folder, "preview.out");
    await writePreview(dataset, how, path);
    const shown = await decodePng(new Uint8Array(readFileSync(path)), path);
    expect([shown.width, shown.height]).toEqual([26, 9]);
    for (let x = 0; x < 13; x++) {
      for (let channel = 0; channel < 3; channel++) {
        expect(Math.abs(shown.pixels[3 * (13 + x) + channel]! - pixels[3 * x + channel]!)).toBeLessThan(1);
      }
    }
  }
});

describeWithShared("Bolt's calibration pictures", () => {
  const data = (name: string) => sharedPath("golden", "bolt_v1.3_calibration", "data", name);

  it("become the inputs that Bolt's loader makes", async () => {
    const order = JSON.parse(readFileSync(data("jpg16.json"), "utf8")).order as string[];
    const bytes = new Uint8Array(readFileSync(data("jpg16_input_BGR_m0.017.npy")));
    const wanted = (await readNpy(memorySource(bytes))).data;
    const size = wanted.length / order.length;
    const how = { ...preset("raw"), bolt: "BGR", scale: [0.017] } as const;
    const dataset = await openDataset(data("jpg16"), [input("x", "float32", [1, 3, 8, 8])], { preprocessing: how });
    const { samples } = await all(dataset);
    expect(samples.length).toBe(16);
    for (const { name, inputs } of samples) {
      const place = order.indexOf(name) * size;
      expect(Buffer.compare(inputs.get("x")!.data, wanted.subarray(place, place + size))).toBe(0);
    }
  });
});
