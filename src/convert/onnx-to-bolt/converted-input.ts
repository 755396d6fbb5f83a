/** What became of an input of the source model. */
export interface ConvertedInput {
  /** Its name in the source model. */
  readonly source: string;
  /** Where a Transpose was folded into it: the source's axes in the order in which the input is taken now. */
  readonly axes: readonly number[] | undefined;
}
