import { functionOf } from "../../../onnx/function.ts";
import type { OnnxFunction, OnnxValue } from "../../../onnx/model.ts";
import { GraphBuilder, OPSET, type OperationOptions, type Shape } from "../../graph-builder.ts";
import { CAFFE_DOMAIN } from "../domain.ts";
import { CODE_TYPES } from "../enumerations.ts";
import type { LayerContext, LayerTable } from "../layer-context.ts";

/** What the layer says of itself. */
interface Detection {
  readonly boxes: number;
  readonly classes: number;
  readonly background: number;
  readonly overlap: number;
  readonly confidence: number;
  /** Candidates of a class, and rows of the result; 0: all. */
  readonly candidates: number;
  readonly rows: number;
  readonly code: keyof typeof CODES;
  readonly usesVariances: boolean;
}

const CODES = { CORNER: "CORNER", CENTER_SIZE: "CENTER_SIZE", CORNER_SIZE: "CORNER_SIZE" } as const;

/**
 * The detections of a single-shot detector, 1 × 1 × n × 7: image, label, score, corners; by label, then best first. One
 * operator, which Bolt has too; for ONNX Runtime the model holds its definition as a function.
 */
async function detectionOutput(context: LayerContext): Promise<OnnxValue> {
  const detection = detectionOf(context);
  const shapes = [0, 1, 2].map((index) => context.shape(index));
  const [value] = context.builder.addMany(
    "DetectionOutput",
    [0, 1, 2].map((index) => context.input(index)),
    {
      name: context.layer.name,
      attributes: {
        num_classes: detection.classes,
        background_label_id: detection.background,
        nms_threshold: { float: detection.overlap },
        top_k: detection.candidates,
        keep_top_k: detection.rows,
        confidence_threshold: { float: detection.confidence },
        code_type: detection.code,
        variance_encoded_in_target: detection.usesVariances ? 0 : 1,
      },
      outputs: [{ type: "float32", shape: [1, 1, undefined, 7] }],
    },
  );
  value!.producer!.data.domain = CAFFE_DOMAIN;
  context.define(await new Definition(detection, shapes).finish());
  return value!;
}

function detectionOf(context: LayerContext): Detection {
  const text = context.parameters("detection_output_param");
  const suppression = text.message("nms_param");
  const classes = text.integer("num_classes", 0);
  const background = text.integer("background_label_id", 0);
  const boxes = (context.shape(2)[2] ?? 0) / 4;
  for (const ignored of ["save_output_param", "visualize", "visualize_threshold", "save_file"]) text.has(ignored);
  if (!text.flag("share_location", true))
    context.fail("unsupported", "classes with boxes of their own cannot be converted");
  if (background > 0) context.fail("unsupported", "a background class other than 0 cannot be converted");
  if (suppression.float("eta", 1) !== 1) context.fail("unsupported", "an eta other than 1 cannot be converted");
  const sizes = [0, 1].map((index) => context.shape(index).reduce((product, size) => product * size, 1));
  if (sizes[0] !== 4 * boxes || sizes[1] !== classes * boxes || classes < 2)
    context.fail(
      "format",
      `${sizes.join(" and ")} numbers do not fit ${boxes} boxes of ${classes} classes (of one image)`,
    );
  return {
    boxes,
    classes,
    background,
    overlap: suppression.float("nms_threshold", 0.3),
    confidence: text.has("confidence_threshold") ? text.float("confidence_threshold", 0) : -3e38,
    candidates: Math.max(0, suppression.integer("top_k", 0)),
    rows: Math.max(0, text.integer("keep_top_k", 0)),
    code: context.chosen(CODES, text.word("code_type", "CORNER", CODE_TYPES), "code_type"),
    usesVariances: !text.flag("variance_encoded_in_target", false),
  };
}

/** The operator in those of ONNX. */
class Definition {
  readonly #builder = new GraphBuilder("DetectionOutput");
  readonly #detection: Detection;
  readonly #inputs: readonly OnnxValue[];

  constructor(detection: Detection, shapes: readonly (readonly number[])[]) {
    this.#detection = detection;
    this.#inputs = ["location", "confidence", "priors"].map((name, index) =>
      this.#builder.input(name, "float32", shapes[index]!),
    );
  }

  finish(): Promise<OnnxFunction> {
    const { boxes, classes, background } = this.#detection;
    const corners = this.#corners(this.#reshape(this.#inputs[0]!, [boxes, 4], "offsets"));
    const byBox = this.#reshape(this.#inputs[1]!, [boxes, classes], "byBox");
    const byClass = this.#add("Transpose", [byBox], "byClass", {
      attributes: { perm: [1, 0] },
      shape: [classes, boxes],
    });
    const first = background + 1;
    const scores = first === 0 ? byClass : this.#slice(byClass, 0, first, classes, "foreground");
    const chosen = this.#chosen(corners, this.#candidates(scores), classes - first);
    const rows = this.#best(this.#rows(chosen, scores, corners, first));
    this.#builder.output(this.#reshape(rows, [1, 1, -1, 7], "detections"));
    const { main } = this.#builder.finish("");
    return functionOf(main, { domain: CAFFE_DOMAIN, name: "DetectionOutput", opset: OPSET });
  }

  /** Corners from the offsets to the default boxes, in units of the variances. */
  #corners(offsets: OnnxValue): OnnxValue {
    const { boxes, code, usesVariances } = this.#detection;
    const part = (row: number, name: string) =>
      this.#reshape(this.#slice(this.#inputs[2]!, 1, row, row + 1, name), [boxes, 4], `${name}Boxes`);
    const defaults = part(0, "default");
    const shifts = usesVariances ? this.#add("Mul", [offsets, part(1, "variance")], "shifts") : offsets;
    if (code === "CORNER") return this.#add("Add", [defaults, shifts], "corners");
    const columns = (value: OnnxValue, start: number, name: string) => this.#slice(value, 1, start, start + 2, name);
    const [low, high] = [columns(defaults, 0, "low"), columns(defaults, 2, "high")];
    const size = this.#add("Sub", [high, low], "size");
    if (code === "CORNER_SIZE") {
      const sizes = this.#concat([size, size], 1, "sizes");
      return this.#add("Add", [defaults, this.#add("Mul", [shifts, sizes], "moves")], "corners");
    }
    const half = this.#builder.scalar("half", 0.5);
    const centre = this.#add("Mul", [this.#add("Add", [low, high], "sum"), half], "centre");
    const move = this.#add("Mul", [columns(shifts, 0, "shift"), size], "move");
    const moved = this.#add("Add", [move, centre], "moved");
    const growth = this.#add("Exp", [columns(shifts, 2, "growth")], "factor");
    const reach = this.#add("Mul", [this.#add("Mul", [growth, size], "grown"), half], "reach");
    return this.#concat(
      [this.#add("Sub", [moved, reach], "from"), this.#add("Add", [moved, reach], "to")],
      1,
      "corners",
    );
  }

  /** Only the best scores of a class may be chosen; the others fall below every threshold. */
  #candidates(scores: OnnxValue): OnnxValue {
    const { candidates, boxes } = this.#detection;
    if (candidates === 0 || candidates >= boxes) return scores;
    const [best] = this.#topK(scores, this.#builder.integers("candidateCount", [candidates]), 1, "candidateBest", 1);
    const least = this.#slice(best!, 1, candidates - 1, candidates, "least");
    const kept = this.#add("GreaterOrEqual", [scores, least], "kept", { type: "bool" });
    return this.#add("Where", [kept, scores, this.#builder.scalar("never", -3.4e38)], "candidates", {
      type: "float32",
    });
  }

  /** Class and box of each detection, n × 2, by class, then best first. */
  #chosen(corners: OnnxValue, scores: OnnxValue, classes: number): OnnxValue {
    const { boxes, overlap, confidence } = this.#detection;
    const inputs = [
      this.#reshape(corners, [1, boxes, 4], "batchBoxes"),
      this.#reshape(scores, [1, classes, boxes], "batchScores"),
      this.#builder.integers("most", [boxes]),
      this.#builder.floats("overlap", [overlap]),
      this.#builder.floats("least confidence", [confidence]),
    ];
    const found = this.#add("NonMaxSuppression", inputs, "found", { type: "int64", shape: [undefined, 3] });
    return this.#slice(found, 1, 1, 3, "chosen");
  }

  /** Image, label, score and corners of each detection, n × 7. */
  #rows(chosen: OnnxValue, scores: OnnxValue, corners: OnnxValue, first: number): OnnxValue {
    const label = this.#float(this.#slice(chosen, 1, 0, 1, "class"), "classNumber");
    const labels = this.#add("Add", [label, this.#builder.scalar("firstLabel", first)], "labels");
    const image = this.#add("Mul", [label, this.#builder.scalar("zero", 0)], "image");
    const score = this.#add("GatherND", [scores, chosen], "score", { type: "float32", shape: [undefined] });
    const places = this.#reshape(this.#slice(chosen, 1, 1, 2, "box"), [-1], "places");
    const found = this.#add("Gather", [corners, places], "corner", { attributes: { axis: 0 }, shape: [undefined, 4] });
    return this.#concat([image, labels, this.#reshape(score, [-1, 1], "scoreColumn"), found], 1, "rows");
  }

  /** The rows of the best scores, still by label. */
  #best(rows: OnnxValue): OnnxValue {
    const { rows: most } = this.#detection;
    if (most === 0) return rows;
    const count = this.#add("Shape", [rows], "count", { attributes: { end: 1 }, type: "int64", shape: [1] });
    const kept = this.#add("Min", [count, this.#builder.integers("mostRows", [most])], "keptCount");
    const scores = this.#reshape(this.#slice(rows, 1, 2, 3, "ranks"), [-1], "rank");
    const [, places] = this.#topK(scores, kept, 0, "best", 1);
    const [order] = this.#topK(places!, kept, 0, "order", 0);
    return this.#add("Gather", [rows, order!], "bestRows", { attributes: { axis: 0 }, shape: [undefined, 7] });
  }

  #topK(value: OnnxValue, count: OnnxValue, axis: number, name: string, largest: 0 | 1): readonly OnnxValue[] {
    const shape = shapeOf(value).map(() => undefined);
    return this.#builder.addMany("TopK", [value, count], {
      name,
      attributes: { axis, largest },
      outputs: [
        { type: value.type?.type ?? "float32", shape },
        { type: "int64", shape },
      ],
    });
  }

  #slice(value: OnnxValue, axis: number, start: number, end: number, name: string): OnnxValue {
    const inputs = [start, end, axis].map((number, index) => this.#builder.integers(`${name}Range${index}`, [number]));
    const shape = shapeOf(value).with(axis, end - start);
    return this.#add("Slice", [value, ...inputs], name, { shape });
  }

  #reshape(value: OnnxValue, shape: readonly number[], name: string): OnnxValue {
    const known = shape.map((size) => (size === -1 ? undefined : size));
    return this.#add("Reshape", [value, this.#builder.integers(`${name}Shape`, shape)], name, { shape: known });
  }

  #concat(values: readonly OnnxValue[], axis: number, name: string): OnnxValue {
    return this.#add("Concat", values, name, { attributes: { axis }, shape: [undefined, undefined] });
  }

  #float(value: OnnxValue, name: string): OnnxValue {
    return this.#add("Cast", [value], name, { type: "float32", attributes: { to: 1 } });
  }

  #add(
    type: string,
    inputs: readonly OnnxValue[],
    name: string,
    options: Omit<OperationOptions, "name"> = {},
  ): OnnxValue {
    return this.#builder.add(type, inputs, { ...options, name });
  }
}

function shapeOf(value: OnnxValue): Shape {
  return value.type?.shape ?? [];
}

export const DETECTION_OUTPUTS: LayerTable = { DetectionOutput: detectionOutput };
