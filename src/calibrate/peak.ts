/** Which example has the largest magnitude of a value, and how far the others reach. */
export interface Peak {
  readonly example: string;
  readonly magnitude: number;
  /** The largest magnitude of any other example; 0 if there is none. */
  readonly others: number;
}

/** The peak of both parts: the same for any order and split of the examples. */
export function mergePeaks(one: Peak, other: Peak): Peak {
  const order = one.magnitude - other.magnitude || (one.example <= other.example ? 1 : -1);
  const [higher, lower] = order >= 0 ? [one, other] : [other, one];
  return { ...higher, others: Math.max(higher.others, lower.magnitude) };
}
