/** What runs anywhere, in a browser too. In Node the package gives `node.ts` on top. */

export type { BoltDataType } from "./bolt/data-type.ts";
export type { Label } from "./bolt/label.ts";
export type { BoltModel, BoltNode, BoltNodeData, BoltValue, BoltWeight } from "./bolt/model.ts";
export { WeightTable } from "./bolt/model.ts";
export type { ParameterName } from "./bolt/parameter-layouts.ts";
export { Parameters, type ParameterValue, type ParameterValues } from "./bolt/parameters.ts";
export { readBolt } from "./bolt/read.ts";
export type { BoltTensorDescription } from "./bolt/tensor-description.ts";
export { BOLT_VERSIONS, type BoltVersion, NEWEST_BOLT_VERSION } from "./bolt/version.ts";
export { writeBolt } from "./bolt/write.ts";
export { type CollectOptions, collectObservations } from "./calibrate/collect.ts";
export { type FindRangeOptions, findRange } from "./calibrate/find-range.ts";
export type { Histogram } from "./calibrate/histogram.ts";
export {
  mergeObservations,
  type Observations,
  statisticsOf,
  type ValueObservations,
} from "./calibrate/observations.ts";
export { parseObservations, printObservations } from "./calibrate/observations-file.ts";
export type { Origin } from "./calibrate/origin.ts";
export type { Peak } from "./calibrate/peak.ts";
export type { Range, RangeMethod } from "./calibrate/range.ts";
export type { ChannelStatistics, Collected, Moments, Statistics, ValueStatistics } from "./calibrate/statistics.ts";
export { type RaiseOptions, raiseToOnnx } from "./convert/bolt-to-onnx/index.ts";
export { CAFFE_FORMAT } from "./convert/caffe/format.ts";
export {
  BOLT_FORMAT,
  type ExternalDataOutput,
  MODEL_FORMATS,
  ONNX_FORMAT,
  readModel,
  type WriteModelOptions,
  writeModel,
} from "./convert/model-file.ts";
export { type Model, type ModelFormat, type ReadModelOptions, readModelAs } from "./convert/model-format.ts";
export { modelInputs } from "./convert/model-inputs.ts";
export type { ConvertedInput } from "./convert/onnx-to-bolt/converted-input.ts";
export type { BoltPrecision, Converted, ConvertOptions } from "./convert/onnx-to-bolt/index.ts";
export { TENSORFLOW_FORMAT } from "./convert/tensorflow/format.ts";
export { TFLITE_FORMAT } from "./convert/tflite/format.ts";
export { type Dataset, type DatasetRange, type Examples, parseShard, type Sample, type Shard } from "./data/dataset.ts";
export { type ImageDecoders, imageDecoder } from "./data/image/decode-image.ts";
export type { Image, ImageDecoder, StoredImage } from "./data/image/image.ts";
export { jpegDecoder } from "./data/image/jpeg.ts";
export type { LoadedCodec, WasmCodec } from "./data/image/wasm-codec.ts";
export { webpDecoder } from "./data/image/webp.ts";
export { type Labels, parseLabels } from "./data/labels.ts";
export { readNpy, writeNpy } from "./data/npy.ts";
export { type NamedBlob, type OpenBlobsOptions, openBlobs } from "./data/open-blobs.ts";
export { BOLT_IMAGE_FORMATS, type BoltImageFormat } from "./data/preprocess/bolt-formats.ts";
export { preprocess, type TargetSize } from "./data/preprocess/preprocess.ts";
export type { Interpolation } from "./data/preprocess/resample.ts";
export { PRESETS, type Preprocessing, parsePreprocessing, preset } from "./data/preprocess/specification.ts";
export type { OpenTokenizer, Tokenize } from "./data/tokens/token-fields.ts";
export { withTokenInputs } from "./data/tokens/token-inputs.ts";
export { type EvaluateOptions, type Evaluation, evaluateModel } from "./evaluate/accuracy.ts";
export { type CompareOptions, type Comparison, compareModels } from "./evaluate/compare.ts";
export type { InnerComparison, OperatorLoss } from "./evaluate/compare-inside.ts";
export type { TensorComparison } from "./evaluate/error-table.ts";
export type { ExplainedLoss, LossReason } from "./evaluate/loss-reasons.ts";
export type { OpenOptions } from "./evaluate/open-session.ts";
export { closeModel, runModel } from "./evaluate/run.ts";
export type { EmbeddingAgreement, TextAgreement, TokenAgreement } from "./evaluate/text-agreement.ts";
export type { TuneMetric } from "./evaluate/tune/metrics.ts";
export type { OperatorCost } from "./evaluate/tune/operator-costs.ts";
export type { TuneTrial } from "./evaluate/tune/trial-bench.ts";
export type { TuneObjective, TuneOptions, TuneResult, TuneState } from "./evaluate/tune/tune.ts";
export { Graph, Node, type NodeInit, Value } from "./graph/graph.ts";
export type { DenseTensor, Dimension, ElementType, Tensor, TensorType } from "./graph/tensor.ts";
export { type Bytes, blobSource, type FilePlace, memorySource, type Source } from "./io/bytes.ts";
export { BoltqError, type ErrorCode, type ErrorDetails } from "./io/error.ts";
export { type MemoryTarget, memoryTarget, type Target } from "./io/target.ts";
export type { ExternalData } from "./onnx/external-data.ts";
export type {
  OnnxAttribute,
  OnnxFunction,
  OnnxGraph,
  OnnxModel,
  OnnxNode,
  OnnxNodeData,
  OnnxTensor,
  OnnxValue,
  Signature,
  ValueInfo,
} from "./onnx/model.ts";
export type { ReadOnnxOptions } from "./onnx/read.ts";
export { type ExternalFiles, type ExternalPlace, type WriteOnnxOptions, writeOnnx } from "./onnx/write.ts";
export { applyBoltPlan } from "./quantize/bolt/apply-plan.ts";
export { type CalibrateBoltOptions, calibrateBolt, calibratedPlan } from "./quantize/bolt/calibrate.ts";
export {
  type ConvertedToBolt,
  type ConvertToBoltOptions,
  convertOnnxToBolt,
  convertToBolt,
} from "./quantize/bolt/convert-to-bolt.ts";
export { type PlanBoltOptions, planBolt } from "./quantize/bolt/plan-bolt.ts";
export { type PrepareBoltOptions, type PreparedBolt, prepareBolt } from "./quantize/bolt/prepare.ts";
export {
  type QuantizeBoltOptions,
  type QuantizedBolt,
  quantizeAsPlanned,
  quantizeBolt,
} from "./quantize/bolt/quantize.ts";
export type { BoltInference, BoltStorage } from "./quantize/bolt/recipe.ts";
export type { StoreOptions } from "./quantize/bolt/store-weights.ts";
export type { WeightWork } from "./quantize/bolt/weight-work.ts";
export type { Encoding } from "./quantize/formats/encoding.ts";
export type { TieRule } from "./quantize/formats/int8.ts";
export { SharedWork } from "./quantize/onnx/forms/shared-work.ts";
export { type OnnxObservation, planObservation } from "./quantize/onnx/observation.ts";
export {
  type Effort,
  type QuantizedOnnx,
  type QuantizeOnnxOptions,
  quantizeOnnx,
  quantizeOnnxAsPlanned,
} from "./quantize/onnx/quantize-onnx.ts";
export type { RuntimeTarget } from "./quantize/onnx/targets.ts";
export { parseRecipe } from "./quantize/parse-recipe.ts";
export { parseScaleTable } from "./quantize/parse-scale-table.ts";
export type {
  BiasPlan,
  BoltTarget,
  FloatBiasPlan,
  OperatorPlan,
  Plan,
  PlanWarning,
  ValuePlan,
  WarningKind,
  WeightForm,
  WeightPlan,
  WeightType,
} from "./quantize/plan.ts";
export { parsePlan, printPlanFile } from "./quantize/plan-file.ts";
export {
  type ActivationSettings,
  type ActivationType,
  type Precision,
  RECIPES,
  type Recipe,
  type RecipeRule,
  type WeightBits,
  type WeightSettings,
} from "./quantize/recipe.ts";
export type { AccuracyStep } from "./quantize/refine/improve.ts";
export type { DynamicChoice, LayerClips, ScaleTable } from "./quantize/scale-table.ts";
export type { Difference } from "./report/difference.ts";
export type { ChangedAnswers, Thumbnail } from "./report/gather/changed-answers.ts";
export type { ReportSubject } from "./report/gather/report-of-comparison.ts";
export type {
  ReportCard,
  ReportChannels,
  ReportData,
  ReportDecisions,
  ReportExample,
  ReportExamples,
  ReportGraph,
  ReportHistogram,
  ReportLayout,
  ReportNode,
  ReportOrigin,
  ReportTrial,
} from "./report/html/report-data.ts";
export { changedAnswers, makeReport, printReport, shrunkPicture } from "./report/make-report.ts";
export { diffModels, summarizeModel } from "./report/on-demand.ts";
export type {
  ModelSummary,
  OperatorSummary,
  SummaryOptions,
  TensorSummary,
  WeightSummary,
} from "./report/summary.ts";
export { loadRuntime, runtimeOf } from "./runtime/load.ts";
export type { OnnxRuntimeModule, OrtSession, OrtTensor, OrtValueMetadata } from "./runtime/onnxruntime-module.ts";
export type { ModelPath, NamedTensors, Optimization, Runtime, Session, SessionOptions } from "./runtime/runtime.ts";
export type { InterfaceNames } from "./transform/bolt/keep-names.ts";
export type { ChannelScaling } from "./transform/onnx/equalize-channels.ts";
export type { InputScaling } from "./transform/onnx/scale-inputs.ts";
