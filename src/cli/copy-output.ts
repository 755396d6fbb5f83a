import { chunksOf } from "../io/bytes.ts";
import { fileSource } from "../io/node/file-source.ts";
import { type Target, writeWhole } from "../io/target.ts";

/** Writes a file that is there once more. */
export async function copyOutput(path: string, target: Target): Promise<void> {
  const source = fileSource(path);
  try {
    await writeWhole(target, async () => {
      for await (const chunk of chunksOf(source)) await target.write(chunk);
    });
  } finally {
    source.close();
  }
}
