/**
 * Runs `source` up to `depth` items ahead of whoever takes them, in the same order. An early end of the taking ends the
 * source too.
 */
export async function* readAhead<Item>(source: AsyncGenerator<Item>, depth: number): AsyncGenerator<Item> {
  const waiting: Promise<IteratorResult<Item>>[] = [];
  const ask = () => {
    const next = source.next();
    next.catch(() => {}); // it is looked at when its turn comes
    waiting.push(next);
  };
  try {
    for (;;) {
      while (waiting.length <= depth) ask();
      const { done, value } = await waiting.shift()!;
      if (done) return;
      yield value;
    }
  } finally {
    await source.return(undefined);
  }
}

/**
 * Starts `open` for up to `depth` items ahead and gives the promises in order. Those that were started but not taken at
 * the end are given to `discard`.
 */
export function* openAhead<Item, Opened>(
  items: Iterable<Item>,
  depth: number,
  open: (item: Item) => Promise<Opened>,
  discard: (opened: Opened) => void,
): Generator<readonly [Item, Promise<Opened>]> {
  const waiting: (readonly [Item, Promise<Opened>])[] = [];
  try {
    for (const item of items) {
      const opening = open(item);
      opening.catch(() => {}); // it is looked at when its turn comes
      waiting.push([item, opening]);
      if (waiting.length > depth) yield waiting.shift()!;
    }
    while (waiting.length > 0) yield waiting.shift()!;
  } finally {
    for (const [, opening] of waiting) opening.then(discard, () => {});
  }
}
