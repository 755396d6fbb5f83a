import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { describeWithShared, sharedPath } from "../../test/shared.ts";
import type { DenseTensor } from "../graph/tensor.ts";
import { BoltqError } from "../io/error.ts";
import { loadRuntime } from "./load.ts";
import type { Session, SessionOptions } from "./runtime.ts";

const MODEL = "models/mobilenet_v1_0.25_224/mobilenet_v1_0.25_224.onnx";

describeWithShared("a session of ONNX Runtime", () => {
  const open = async (options: SessionOptions = {}): Promise<Session> =>
    (await loadRuntime()).createSession(new Uint8Array(readFileSync(sharedPath(MODEL))), {
      name: "mobilenet",
      ...options,
    });

  for (const placement of ["worker", "direct"] as const) {
    it(`runs a model (${placement}) and names inputs and outputs`, async () => {
      const session = await open({ placement });
      const input = session.inputs[0]!;
      const outputs = await session.run(new Map([[input.name, imageLike()]]));
      expect(session.outputs.map(({ name }) => name)).toEqual([...outputs.keys()]);
      const scores = new Float32Array([...outputs.values()][0]!.data.buffer);
      expect(scores.length).toBe(1001);
      expect(scores.every(Number.isFinite)).toBe(true);
      expect(await session.time(new Map([[input.name, imageLike()]]), 3)).toHaveLength(3);
      await session.close();
    });

    it(`says what is wrong with inputs (${placement})`, async () => {
      const session = await open({ placement });
      const name = session.inputs[0]!.name;
      await expect(session.run(new Map())).rejects.toThrow(`the input "${name}" is missing`);
      await expect(session.run(new Map([[name, { ...imageLike(), shape: [1, 224, 224, 3] }]]))).rejects.toBeInstanceOf(
        BoltqError,
      );
      await session.close();
    });

    it(`refuses what is no model (${placement})`, async () => {
      const runtime = await loadRuntime();
      await expect(runtime.createSession(new Uint8Array(100), { placement, name: "zeros" })).rejects.toMatchObject({
        code: "runtime",
      });
    });
  }

  it("leaves the event loop free while it runs in a worker", async () => {
    const session = await open();
    let ticks = 0;
    const timer = setInterval(() => {
      ticks += 1;
    }, 1);
    await session.time(new Map([[session.inputs[0]!.name, imageLike()]]), 100);
    clearInterval(timer);
    await session.close();
    expect(ticks).toBeGreaterThan(5);
  });

  it("rejects runs under way when closed", async () => {
    const session = await open();
    const running = session.time(new Map([[session.inputs[0]!.name, imageLike()]]), 100_000);
    const rejected = expect(running).rejects.toMatchObject({ code: "cancelled" });
    await session.close();
    await rejected;
    await expect(session.run(new Map([[session.inputs[0]!.name, imageLike()]]))).rejects.toMatchObject({
      code: "cancelled",
    });
  });

  it("lets the process end while a run is under way", () => {
    const script = `
      import { readFileSync } from "node:fs";
      import { loadRuntime } from ${JSON.stringify(new URL("./load.ts", import.meta.url).href)};
      const session = await (await loadRuntime()).createSession(new Uint8Array(readFileSync(${JSON.stringify(sharedPath(MODEL))})));
      const data = new Uint8Array(4 * 3 * 224 * 224);
      const feeds = new Map([[session.inputs[0].name, { type: "float32", shape: [1, 3, 224, 224], data }]]);
      void session.time(feeds, 1e6);
      setTimeout(() => process.exit(7), 100);`;
    for (let attempt = 0; attempt < 3; attempt++) {
      const args = ["--import", "tsx", "--input-type=module", "--eval", script];
      const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
      expect(stderr).toBe("");
      expect(status).toBe(7);
    }
  });
});

function imageLike(): DenseTensor {
  const values = Float32Array.from({ length: 3 * 224 * 224 }, (_, index) => Math.sin(index));
  return { type: "float32", shape: [1, 3, 224, 224], data: new Uint8Array(values.buffer) };
}
