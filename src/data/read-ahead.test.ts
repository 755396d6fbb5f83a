import { describe, expect, it } from "vitest";
import { openAhead, readAhead } from "./read-ahead.ts";

const tick = () => new Promise((resolve) => setTimeout(resolve, 1));

describe("reading ahead", () => {
  it("keeps the order and runs as far ahead as asked", async () => {
    const begun: number[] = [];
    async function* source() {
      for (let item = 0; item < 6; item++) {
        begun.push(item);
        yield item;
      }
    }
    const taken: number[] = [];
    for await (const item of readAhead(source(), 2)) {
      taken.push(item);
      await tick();
      if (item === 0) expect(begun).toEqual([0, 1, 2]);
      if (item === 1) expect(begun).toEqual([0, 1, 2, 3]);
    }
    expect(taken).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("ends the source when the taking ends", async () => {
    let ended = false;
    async function* source() {
      try {
        for (let item = 0; ; item++) yield item;
      } finally {
        ended = true;
      }
    }
    for await (const item of readAhead(source(), 3)) if (item === 4) break;
    expect(ended).toBe(true);
  });

  it("gives an error in its turn", async () => {
    async function* source() {
      yield 1;
      throw new Error("broken");
    }
    const taken: number[] = [];
    const taking = (async () => {
      for await (const item of readAhead(source(), 5)) taken.push(item);
    })();
    await expect(taking).rejects.toThrow("broken");
    expect(taken).toEqual([1]);
  });
});

describe("opening ahead", () => {
  it("opens a few before they are taken, in order", async () => {
    const opened: string[] = [];
    const open = async (item: string) => {
      opened.push(item);
      return item.toUpperCase();
    };
    const taken: string[] = [];
    const ahead: number[] = [];
    for (const [item, opening] of openAhead(["a", "b", "c", "d"], 2, open, () => {})) {
      taken.push(`${item}${await opening}`);
      ahead.push(opened.length);
    }
    expect(taken).toEqual(["aA", "bB", "cC", "dD"]);
    expect(ahead).toEqual([3, 4, 4, 4]);
  });

  it("discards what was opened and not taken; a failure there is nobody's", async () => {
    const discarded: string[] = [];
    const open = async (item: string) => {
      if (item === "c") throw new Error("broken");
      return item;
    };
    for (const [item] of openAhead(["a", "b", "c", "d", "e"], 3, open, (item) => discarded.push(item))) {
      if (item === "a") break;
    }
    await tick();
    expect(discarded).toEqual(["b", "d"]);
  });
});
