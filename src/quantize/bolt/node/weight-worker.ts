import { readSync } from "node:fs";
import type { Bytes } from "../../../io/bytes.ts";
import { ownPort } from "../../../io/node/start-worker.ts";
import { serveWorker } from "../../../io/worker/serve.ts";
import { ENCODING_BITS } from "../../formats/encoding.ts";
import { encodeRange, plainWork } from "../weight-work.ts";
import type { WeightAnswer, WeightRequest } from "./weight-messages.ts";

/** Reads with the descriptor of the thread that asks: open files belong to the process. */
function fileBytes({ place, length }: WeightRequest): Bytes {
  return {
    length,
    read: async (offset = 0, count = length - offset, room = undefined) => {
      const buffer = room?.subarray(0, count) ?? new Uint8Array(count);
      for (let done = 0; done < count; ) {
        const read = readSync(place.descriptor, buffer, done, count - done, place.offset + offset + done);
        if (read === 0) throw new Error("the file is too short");
        done += read;
      }
      return buffer;
    },
  };
}

async function perform(request: WeightRequest): Promise<WeightAnswer> {
  const bytes = fileBytes(request);
  if (request.job === undefined) return plainWork.largestMagnitude(bytes);
  const { encoding, room } = request.job;
  const count = request.length / 4;
  const target = new Uint8Array(room, 0, Math.ceil((count * ENCODING_BITS[encoding.kind]) / 8));
  await encodeRange(bytes, 0, count, encoding, target);
  return 0;
}

serveWorker<undefined, WeightRequest, WeightAnswer, undefined>(ownPort(), async () => ({
  ready: undefined,
  handle: async (request) => ({ answer: await perform(request) }),
}));
