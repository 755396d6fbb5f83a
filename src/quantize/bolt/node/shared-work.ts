import { type Bytes, CHUNK_BYTES, type FilePlace, rangeOf } from "../../../io/bytes.ts";
import { startWorker } from "../../../io/node/start-worker.ts";
import { WorkerLink } from "../../../io/worker/link.ts";
import { ENCODING_BITS, type Encoding } from "../../formats/encoding.ts";
import { encodedLength, plainWork, type WeightWork } from "../weight-work.ts";
import type { WeightAnswer, WeightRequest } from "./weight-messages.ts";

/** Weights below this are not worth the messages. */
const LEAST_BYTES = 1 << 22;

/** Work on weights that a second thread shares. */
export interface SharedWork extends WeightWork {
  /** Resolves when the second thread is up (true) or known to fail (false). Work need not wait for it. */
  readonly started: Promise<boolean>;
  /** Ends the second thread. */
  close(): Promise<void>;
}

/**
 * Shares the work on weights that lie in an open file as they are: the second thread reads and converts every other
 * piece. What it cannot do, or while it is still starting, is done here; results are the same.
 */
export function shareWork(): SharedWork {
  const second = new SecondThread();
  return {
    started: second.started,
    largestMagnitude: (weight) => largestMagnitude(weight, second),
    encoded: (weight, encoding) => shareEncoding(weight, encoding, second),
    close: () => second.close(),
  };
}

async function largestMagnitude(weight: Bytes, second: SecondThread): Promise<number> {
  const { place } = weight;
  if (place === undefined || weight.length < LEAST_BYTES || !(await second.ready())) {
    return plainWork.largestMagnitude(weight);
  }
  const half = 4 * Math.floor(weight.length / 8);
  const far = second.ask({ place: placeAt(place, half), length: weight.length - half });
  const near = await plainWork.largestMagnitude(rangeOf(weight, 0, half));
  return Math.max(near, (await far) ?? (await plainWork.largestMagnitude(rangeOf(weight, half, weight.length - half))));
}

function shareEncoding(weight: Bytes, encoding: Encoding, second: SecondThread): Bytes {
  const plain = plainWork.encoded(weight, encoding);
  const { place } = weight;
  if (place === undefined || weight.length < LEAST_BYTES) return plain;
  const pieces = new PiecesAhead(weight, place, encoding, second);
  return {
    length: plain.length,
    read: async (offset = 0, length = plain.length - offset, room = undefined) => {
      if (room === undefined || length > CHUNK_BYTES) return plain.read(offset, length, room);
      const ready = await pieces.take(offset, length);
      if (ready !== undefined) return ready;
      await pieces.order(offset + length, length);
      return plain.read(offset, length, room);
    },
  };
}

/** The piece behind the one that is being made here, made by the other thread. */
class PiecesAhead {
  readonly #weight: Bytes;
  readonly #place: FilePlace;
  readonly #encoding: Encoding;
  readonly #second: SecondThread;
  #room: SharedArrayBuffer | undefined;
  #ordered: { offset: number; length: number; made: Promise<number | undefined> } | undefined;

  constructor(weight: Bytes, place: FilePlace, encoding: Encoding, second: SecondThread) {
    this.#weight = weight;
    this.#place = place;
    this.#encoding = encoding;
    this.#second = second;
  }

  /** The piece if it was ordered and could be made. */
  async take(offset: number, length: number): Promise<Uint8Array | undefined> {
    const ordered = this.#ordered;
    if (ordered === undefined) return undefined;
    const made = await ordered.made;
    this.#ordered = undefined;
    const fits = made !== undefined && ordered.offset === offset && ordered.length >= length;
    return fits ? new Uint8Array(this.#room!, 0, length) : undefined;
  }

  /** Asks for up to `length` bytes at `offset`, where that is at whole numbers and the second is there. */
  async order(offset: number, length: number): Promise<void> {
    const bits = ENCODING_BITS[this.#encoding.kind];
    const total = encodedLength(this.#weight, this.#encoding);
    const count = Math.min(length, total - offset);
    if (count <= 0 || offset % 8 !== 0 || this.#ordered !== undefined || !(await this.#second.ready())) return;
    this.#room ??= new SharedArrayBuffer(CHUNK_BYTES);
    const first = (offset * 8) / bits;
    const last = Math.min(Math.floor(this.#weight.length / 4), Math.floor(((offset + count) * 8) / bits));
    const made = this.#second.ask({
      place: placeAt(this.#place, 4 * first),
      length: 4 * (last - first),
      job: { encoding: this.#encoding, room: this.#room },
    });
    this.#ordered = { offset, length: Math.ceil(((last - first) * bits) / 8), made };
  }
}

function placeAt({ offset, ...file }: FilePlace, more: number): FilePlace {
  return { ...file, offset: offset + more };
}

/** The second thread. A failure ends its use: what it cannot do is done by the first one. */
class SecondThread {
  readonly started: Promise<boolean>;
  readonly #link: WorkerLink<undefined, WeightRequest, WeightAnswer, undefined>;
  #state: "starting" | "ready" | "gone" = "starting";

  constructor() {
    const worker = startWorker(new URL("./weight-worker.js", import.meta.url));
    this.#link = new WorkerLink("(weights)", worker, undefined);
    worker.hold(false); // The process need not wait for it to start.
    const arrive = (state: "ready" | "gone") => {
      this.#state = state;
      return state === "ready";
    };
    this.started = this.#link.ready.then(
      () => arrive("ready"),
      () => arrive("gone"),
    );
  }

  /** Whether it can be asked by now. Lets other events through: that is how the answer becomes yes. */
  async ready(): Promise<boolean> {
    if (this.#state === "starting") await new Promise((resolve) => setImmediate(resolve));
    return this.#state === "ready";
  }

  /** The answer; undefined when it could not be found. */
  ask(request: WeightRequest): Promise<WeightAnswer | undefined> {
    return this.#link.ask(request).catch(() => undefined);
  }

  close(): Promise<void> {
    return this.#link.close();
  }
}
