import { checkRange, rangeOf, type Source } from "../io/bytes.ts";
import { BoltqError } from "../io/error.ts";
import { type InflatedSource, inflatedSource } from "./inflated-source.ts";

/** An entry of an .npz file: a .npy file of its own, packed or not. */
export interface NpzEntry {
  /** The array's name, without ".npy". */
  readonly name: string;
  /** Opens it for reading; `close` lets go of what unpacks it. */
  open(): Promise<InflatedSource>;
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const SIZES_64 = 1;
const STORED = 0;
const DEFLATED = 8;

const END_LENGTH = 22;
const MAX_COMMENT_BYTES = 65535;

/** Bytes of the list of entries. */
const MAX_DIRECTORY_BYTES = 1 << 24;

/** Deflate packs at most so many bytes into one. */
const MAX_DEFLATE_RATIO = 1032;

/** Lists the arrays of an .npz file (ZIP, also with 64-bit sizes). Throws `format`, `truncated` or `unsupported`. */
export async function readNpz(source: Source): Promise<NpzEntry[]> {
  const { offset, length } = await findDirectory(source);
  if (length > MAX_DIRECTORY_BYTES) throw damaged(source, "its list of entries is too long");
  checkRange(source.length, offset, length, source.name);
  const bytes = await source.read(offset, length);
  const view = viewOf(bytes);
  const entries: NpzEntry[] = [];
  for (let at = 0; at < length; ) {
    if (at + 46 > length || view.getUint32(at, true) !== CENTRAL)
      throw damaged(source, "its list of entries is not where it should be");
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((place) => view.getUint16(at + place, true));
    const end = at + 46 + nameLength! + extraLength!;
    if (end > length) throw damaged(source, "its list of entries is cut short");
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength!));
    if (name.endsWith(".npy")) {
      const place = readPlace(view, at, at + 46 + nameLength!, end);
      entries.push({ name: name.slice(0, -4), open: () => openEntry(source, name, place) });
    }
    at = end + commentLength!;
  }
  return entries;
}

interface Place {
  readonly method: number;
  readonly encrypted: boolean;
  readonly offset: number;
  readonly packed: number;
  readonly length: number;
}

/** Sizes and place of an entry; those that do not fit in 32 bits stand in an extra field, in this order. */
function readPlace(view: DataView, at: number, extra: number, end: number): Place {
  const wide = sizes64(view, extra, end);
  const field = (place: number) => {
    const value = view.getUint32(at + place, true);
    return value === 0xffffffff ? (wide.shift() ?? value) : value;
  };
  const length = field(24);
  const packed = field(20);
  return {
    method: view.getUint16(at + 10, true),
    encrypted: (view.getUint16(at + 8, true) & 1) === 1,
    offset: field(42),
    packed,
    length,
  };
}

function sizes64(view: DataView, start: number, end: number): number[] {
  for (let at = start; at + 4 <= end; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== SIZES_64) continue;
    const count = Math.floor(Math.min(view.getUint16(at + 2, true), end - at - 4) / 8);
    return Array.from({ length: count }, (_, index) => Number(view.getBigUint64(at + 4 + 8 * index, true)));
  }
  return [];
}

async function findDirectory(source: Source): Promise<{ offset: number; length: number }> {
  const start = Math.max(0, source.length - END_LENGTH - MAX_COMMENT_BYTES);
  const tail = await source.read(start, source.length - start);
  const view = viewOf(tail);
  for (let at = tail.length - END_LENGTH; at >= 0; at--) {
    if (view.getUint32(at, true) !== END) continue;
    const offset = view.getUint32(at + 16, true);
    if (offset === 0xffffffff && at >= 20) return findDirectory64(source, view, at - 20);
    return { offset, length: view.getUint32(at + 12, true) };
  }
  throw damaged(source, "it has no list of entries");
}

async function findDirectory64(source: Source, tail: DataView, locator: number) {
  if (tail.getUint32(locator, true) !== LOCATOR_64) throw damaged(source, "it has no list of entries");
  const place = Number(tail.getBigUint64(locator + 8, true));
  checkRange(source.length, place, 56, source.name);
  const end = viewOf(await source.read(place, 56));
  if (end.getUint32(0, true) !== END_64) throw damaged(source, "it has no list of entries");
  return { offset: Number(end.getBigUint64(48, true)), length: Number(end.getBigUint64(40, true)) };
}

async function openEntry(source: Source, name: string, place: Place): Promise<InflatedSource> {
  if (place.encrypted || (place.method !== STORED && place.method !== DEFLATED)) {
    throw new BoltqError("unsupported", `its entry "${name}" is encrypted or packed in another way than deflate`, {
      file: source.name,
      remedy: "Save it with numpy.savez",
    });
  }
  checkRange(source.length, place.offset, 30, source.name);
  const header = viewOf(await source.read(place.offset, 30));
  if (header.getUint32(0, true) !== LOCAL) throw damaged(source, `its entry "${name}" is not where it should be`);
  const start = place.offset + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  checkRange(source.length, start, place.packed, source.name);
  const data = rangeOf(source, start, place.packed);
  const label = `${source.name}:${name}`;
  if (place.method === STORED) return { ...data, name: label, close: async () => {} };
  if (place.length > place.packed * MAX_DEFLATE_RATIO) throw damaged(source, `the size of "${name}" is a lie`);
  return inflatedSource(data, place.length, label);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function damaged(source: Source, problem: string): BoltqError {
  return new BoltqError("format", `the .npz file is damaged: ${problem}`, { file: source.name });
}
