import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeWithShared, sharedPath } from "../../test/shared.ts";
import { memorySource } from "../io/bytes.ts";
import { memoryTarget } from "../io/target.ts";
import { readBolt } from "./read.ts";
import { writeBolt } from "./write.ts";

describeWithShared("a .bolt file read and written back", () => {
  const files = readdirSync(sharedPath(), { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".bolt") && !name.startsWith("hostile"),
  );

  it("gives the same bytes, for every file and version", async () => {
    const changed: string[] = [];
    for (const file of files) {
      const bytes = new Uint8Array(readFileSync(join(sharedPath(), file)));
      const target = memoryTarget();
      await writeBolt(await readBolt(memorySource(bytes, file)), target);
      if (Buffer.compare(bytes, target.result()) !== 0) changed.push(file);
    }
    expect(files.length).toBeGreaterThan(0);
    expect(changed).toEqual([]);
  });
});
