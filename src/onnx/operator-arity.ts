/** How many inputs and outputs an operator takes; those left out at the end are not counted. */
export interface Arity {
  readonly leastInputs: number;
  readonly mostInputs: number;
  readonly leastOutputs: number;
  readonly mostOutputs: number;
}

const MANY = Number.POSITIVE_INFINITY;

/**
 * Least and most inputs, least and most outputs over all opsets up to 26, and the operators of ai.onnx with these (onnx,
 * docs/Changelog.md).
 */
const ARITIES: readonly (readonly [readonly [number, number, number, number], string])[] = [
  [[0, 0, 1, 1], "Constant RandomNormal RandomUniform SequenceEmpty"],
  [[0, 1, 1, 1], "Optional OptionalHasElement"],
  [
    [1, 1, 1, 1],
    "Abs Acos Acosh ArgMax ArgMin Asin Asinh Atan Atanh AveragePool Bernoulli BitCast BitwiseNot BlackmanWindow Cast Ceil Celu ConcatFromSequence ConstantOfShape Cos Cosh DepthToSpace Det Elu Erf Exp EyeLike Flatten Floor Gelu GlobalAveragePool GlobalLpPool GlobalMaxPool HammingWindow HannWindow HardSigmoid HardSwish Hardmax Identity ImageDecoder IsInf IsNaN LRN LeakyRelu Log LogSoftmax LpNormalization LpPool MeanVarianceNormalization Mish Multinomial Neg NonZero Not OptionalGetElement RandomNormalLike RandomUniformLike Reciprocal RegexFullMatch Relu Round Selu SequenceLength Shape Shrink Sigmoid Sign Sin Sinh Size Softmax Softplus Softsign SpaceToDepth Sqrt StringNormalizer Swish Tan Tanh TfIdfVectorizer ThresholdedRelu Transpose",
  ],
  [[1, 1, 1, 2], "MaxPool"],
  [[1, 1, 1, 4], "Unique"],
  [[1, 1, 1, MANY], "If"],
  [[1, 1, 2, 2], "StringSplit"],
  [[1, 1, 3, 3], "DynamicQuantizeLinear"],
  [
    [1, 2, 1, 1],
    "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Reshape SequenceErase SplitToSequence Squeeze Trilu Unsqueeze Upsample",
  ],
  [[1, 2, 1, MANY], "Split"],
  [[1, 2, 2, 2], "TopK"],
  [[1, 3, 1, 1], "Clip DFT"],
  [[1, 3, 1, 2], "Dropout"],
  [[1, 4, 1, 1], "Pad Resize"],
  [[1, 5, 1, 1], "Slice"],
  [[1, MANY, 1, 1], "Concat Einsum Max Mean Min SequenceConstruct Sum"],
  [[1, MANY, 1, MANY], "Scan SequenceMap"],
  [
    [2, 2, 1, 1],
    "Add AffineGrid And BitShift BitwiseAnd BitwiseOr BitwiseXor CastLike CenterCropPad Compress CumProd CumSum Div Equal Expand Gather GatherElements GatherND Greater GreaterOrEqual GridSample Less LessOrEqual MatMul MaxRoiPool Mod Mul Or PRelu Pow RMSNormalization ReverseSequence SequenceAt StringConcat Sub SwiGLU Xor",
  ],
  [
    [2, 3, 1, 1],
    "Conv ConvTranspose DequantizeLinear Gemm MaxUnpool NegativeLogLikelihoodLoss QuantizeLinear SequenceInsert TensorScatter Tile",
  ],
  [[2, 3, 1, 2], "SoftmaxCrossEntropyLoss"],
  [[2, 3, 1, 3], "LayerNormalization"],
  [[2, 4, 1, 1], "ConvInteger MatMulInteger STFT"],
  [[2, 4, 2, 2], "CausalConvWithState"],
  [[2, 5, 1, 1], "NonMaxSuppression"],
  [[2, MANY, 1, MANY], "Loop"],
  [
    [3, 3, 1, 1],
    "Col2Im GroupNormalization InstanceNormalization OneHot Range RoiAlign Scatter ScatterElements ScatterND Where",
  ],
  [[3, 4, 1, 1], "RotaryEmbedding"],
  [[3, 5, 1, 1], "DeformConv"],
  [[3, 6, 0, 2], "GRU RNN"],
  [[3, 6, 2, 2], "LinearAttention"],
  [[3, 7, 1, 4], "Attention"],
  [[3, 8, 0, 3], "LSTM"],
  [[5, 5, 1, 1], "MelWeightMatrix"],
  [[5, 5, 1, 5], "BatchNormalization"],
  [[8, 8, 1, 1], "QLinearMatMul"],
  [[8, 9, 1, 1], "QLinearConv"],
];

const BY_TYPE: ReadonlyMap<string, Arity> = new Map(
  ARITIES.flatMap(([[leastInputs, mostInputs, leastOutputs, mostOutputs], types]) =>
    types.split(" ").map((type): [string, Arity] => [type, { leastInputs, mostInputs, leastOutputs, mostOutputs }]),
  ),
);

/** The arity of an operator of ai.onnx; undefined for one that is not known. */
export function arityOf(type: string): Arity | undefined {
  return BY_TYPE.get(type);
}

/** Operators whose first inputs count but may be left out: trip count and condition, the lengths of old sequences. */
const OPEN_INPUTS: ReadonlySet<string> = new Set(["Loop", "Scan"]);

/** How many of an operator's first inputs must be there. */
export function requiredInputs(type: string): number {
  return OPEN_INPUTS.has(type) ? 0 : (BY_TYPE.get(type)?.leastInputs ?? 0);
}
