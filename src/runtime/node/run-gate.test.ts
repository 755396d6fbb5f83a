import { expect, it } from "vitest";
import { RunGate } from "./run-gate.ts";

/** A call that ends when it is told to. */
function call(): { start: () => Promise<string>; end: () => void } {
  let end = () => {};
  const done = new Promise<string>((resolve) => {
    end = () => resolve("done");
  });
  return { start: () => done, end };
}

const callsOf = ({ shared }: RunGate) => new Int32Array(shared)[0];

it("knows how many calls are under way, from both sides", async () => {
  const gate = new RunGate();
  const worker = new RunGate(gate.shared);
  const [one, other] = [call(), call()];
  const running = [worker.pass(one.start), worker.pass(other.start)];
  expect(callsOf(gate)).toBe(2);
  one.end();
  expect(await running[0]).toBe("done");
  expect(callsOf(gate)).toBe(1);
  other.end();
  await running[1];
  expect(callsOf(gate)).toBe(0);
  expect(gate.wait()).toBe(true);
});

it("counts no call that failed", async () => {
  const gate = new RunGate();
  await expect(gate.pass(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(callsOf(gate)).toBe(0);
});

it("lets a session be let go when it is closed, and nothing at the end of the process", async () => {
  const gate = new RunGate();
  gate.close();
  await expect(gate.pass(async () => 1)).rejects.toThrow("closed");
  expect(await gate.release(async () => 2)).toBe(2);
  gate.end();
  gate.close();
  await expect(gate.release(async () => 3)).rejects.toThrow("closed");
  expect(callsOf(gate)).toBe(0);
});
