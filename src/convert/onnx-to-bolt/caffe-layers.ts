import { BoltqError } from "../../io/error.ts";
import { floatAttribute, intAttribute, textAttribute } from "../../onnx/attributes.ts";
import { allInputs, type Lower } from "./lowering.ts";

/** Greatest int32: as many as there are. */
const ALL = 2 ** 31 - 1;

const lowerDetectionOutput: Lower = async (node, { note }) => {
  const plain =
    intAttribute(node, "background_label_id", 0) === 0 && intAttribute(node, "variance_encoded_in_target", 0) === 0;
  if (!plain || textAttribute(node, "code_type", "CORNER") !== "CENTER_SIZE") {
    throw new BoltqError(
      "unsupported",
      "Bolt detects only with code_type CENTER_SIZE, variances, and class 0 as background",
    );
  }
  note(
    `"${node.output().name}" has Bolt's form: a row with the number of detections, then label, score and corners of each`,
  );
  return [
    {
      type: "DetectionOutput",
      inputs: allInputs(node),
      parameters: {
        num_class: intAttribute(node, "num_classes", 0),
        nms_threshold: floatAttribute(node, "nms_threshold", 0),
        nms_top_k: intAttribute(node, "top_k", 0) || ALL,
        keep_top_k: intAttribute(node, "keep_top_k", 0) || ALL,
        confidence_threshold: floatAttribute(node, "confidence_threshold", 0),
      },
    },
  ];
};

/** Layers of Caffe that Bolt has and ONNX lacks. */
export const CAFFE_LAYERS: Readonly<Record<string, Lower>> = { DetectionOutput: lowerDetectionOutput };
