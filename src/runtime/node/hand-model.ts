import { accessSync, closeSync, constants, openSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, isAbsolute, relative, resolve } from "node:path";
import type { Bytes } from "../../io/bytes.ts";
import { BoltqError } from "../../io/error.ts";
import { creationError } from "../../io/node/destination.ts";
import { streamTarget } from "../../io/node/stream-target.ts";
import { discard, temporaryPath } from "../../io/node/temporary-file.ts";
import type { Target } from "../../io/target.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import { type ExternalPlace, encodedLength, writeOnnx } from "../../onnx/write.ts";
import { handBytes } from "../hand-bytes.ts";
import type { HandedModel, Runtime } from "../runtime.ts";

/** Models from this size on are not handed over in memory, where they would be two and three times. */
const LEAST_FILE_BYTES = 2 ** 28;

/** What ONNX Runtime may read in place begins at whole numbers of the largest type. */
const ALIGNMENT = 8;

/**
 * Hands a model over to sessions of a runtime: in memory, or, when it is large, as a temporary file that names the files in which
 * its weights lie already. It stands beside these; where that folder can't be written to, all weights are copied to the
 * system's folder for temporary files. `leastFileBytes` is for tests.
 */
export async function handModel(
  model: OnnxModel,
  { placement }: Pick<Runtime, "placement">,
  leastFileBytes: number = LEAST_FILE_BYTES,
): Promise<HandedModel> {
  const length = encodedLength(model);
  if (placement !== "node-worker" || length < leastFileBytes) return handBytes(model);
  const folder = weightFolder(model);
  const files = new TemporaryFiles(folder ?? tmpdir());
  const data = files.path();
  const path = files.path();
  try {
    await writeOnnx(model, files.open(path), {
      externalData: {
        location: () => basename(data),
        open: () => files.open(data),
        found: folder === undefined ? undefined : (bytes) => placeIn(folder, bytes),
      },
    });
  } catch (error) {
    files.remove();
    throw error instanceof BoltqError ? error.within({ remedy: SPACE_REMEDY }) : error;
  }
  files.close();
  return { model: { path }, length, release: () => files.remove() };
}

const SPACE_REMEDY = "Running a large model takes a copy of it on the disk: free some space";

/** The folder of the files that hold weights, the topmost where there are several; undefined where there is none that can be written to. */
function weightFolder({ main }: OnnxModel): string | undefined {
  const folders = main.initializers.flatMap(({ constant }) => {
    const path = constant?.data.place?.path;
    return path === undefined ? [] : [dirname(resolve(path))];
  });
  const [top] = [...new Set(folders)].sort((left, right) => left.length - right.length);
  return top !== undefined && canWrite(top) ? top : undefined;
}

function canWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function placeIn(folder: string, { place }: Bytes): ExternalPlace | undefined {
  if (place === undefined || place.offset % ALIGNMENT !== 0) return undefined;
  // ONNX Runtime takes no link that leads out of the folder.
  const location = relative(realpathSync(folder), realpathSync(place.path));
  return location.startsWith("..") || isAbsolute(location) ? undefined : { location, offset: place.offset };
}

/** Files of one folder that are there until they are removed, at the latest when the process ends. */
class TemporaryFiles {
  readonly #folder: string;
  readonly #paths: string[] = [];
  readonly #open: number[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  path(): string {
    const path = temporaryPath(this.#folder);
    this.#paths.push(path);
    return path;
  }

  open(path: string): Target {
    try {
      const descriptor = openSync(path, "wx", 0o600);
      this.#open.push(descriptor);
      return streamTarget({ kind: "descriptor", descriptor }, path);
    } catch (cause) {
      throw creationError(path, cause as Error);
    }
  }

  close(): void {
    for (const descriptor of this.#open.splice(0)) closeSync(descriptor);
  }

  remove(): void {
    this.close();
    for (const path of this.#paths.splice(0)) discard(path);
  }
}
