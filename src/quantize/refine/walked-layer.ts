import type { Windows } from "../../onnx/shape-rules/windows.ts";

/** A matrix operator as the walk sees it. */
export interface WalkedLayer {
  /** Place among the layers: seeds the choice of samples. */
  readonly index: number;
  readonly operator: string;
  /** The value that it multiplies; layers with the same one are given the same numbers. */
  readonly input: string;
  /** Whether all that comes behind depends on the examples through this value alone: what is before need not run again. */
  readonly isCut?: boolean;
  /** The value that it gives, in the float model. */
  readonly output: string;
  /** Parts of the outputs that read parts of the inputs of their own. */
  readonly groups: number;
  /** Outputs and inputs of a group. */
  readonly outputs: number;
  readonly inputs: number;
  /** How a convolution's window moves; undefined for a matrix product, which reads rows. */
  readonly windows: Windows | undefined;
}
