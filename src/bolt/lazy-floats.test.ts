import { expect, it } from "vitest";
import { memoryBytes } from "../io/bytes.ts";
import { changedFloats } from "./lazy-floats.ts";

it("changes the numbers that a part touches, and leaves bytes behind the last of them", async () => {
  const bytes = new Uint8Array(10);
  new DataView(bytes.buffer).setFloat32(0, 1.5, true);
  new DataView(bytes.buffer).setFloat32(4, -2, true);
  bytes.set([7, 8], 8);
  const places: number[] = [];
  const changed = changedFloats(memoryBytes(bytes), (values, first) => {
    places.push(first, values.length);
    for (let index = 0; index < values.length; index++) values[index]! *= 2;
  });
  const whole = await changed.read();
  expect([...new Float32Array(whole.slice(0, 8).buffer)]).toEqual([3, -4]);
  expect([...whole.subarray(8)]).toEqual([7, 8]);
  expect(await changed.read(5, 4)).toEqual(whole.subarray(5, 9));
  expect(places).toEqual([0, 2, 1, 1]);
  expect(bytes[0]).toBe(0);
});
