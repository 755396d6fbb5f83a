import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { BoltqError, placed } from "../../io/error.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import { GraphBuilder } from "../graph-builder.ts";
import { ACTIVATIONS } from "./activations.ts";
import { CONSTANTS } from "./constants.ts";
import { CONVOLUTIONS } from "./convolution.ts";
import { DETECTION_OUTPUTS } from "./detection-output.ts";
import { ELEMENTWISE } from "./elementwise.ts";
import { INDEXING_OPERATORS } from "./indexing.ts";
import { MATRIX_OPERATORS } from "./matrix.ts";
import { NORMALIZATIONS } from "./normalization.ts";
import { POOLINGS } from "./pooling.ts";
import { PRIOR_BOXES } from "./prior-box.ts";
import { computesInInt8, handedOn, INT8_OPERATORS } from "./quantized-operators.ts";
import { RaiseContext, RaiseState, type RaiseTable } from "./raise-context.ts";
import { raisedNames } from "./raised-names.ts";
import { RECURRENT_OPERATORS } from "./recurrent.ts";
import { REDUCTION_OPERATORS } from "./reduction.ts";
import { RESIZE_OPERATORS } from "./resize.ts";
import { SHAPE_OPERATORS } from "./shape-operators.ts";
import { ELEMENT_TYPES, shapeOfDescription } from "./tensor-types.ts";

/** Every operator that can be raised, by Bolt's name. */
const OPERATORS: RaiseTable = {
  ...ACTIVATIONS,
  ...CONSTANTS,
  ...CONVOLUTIONS,
  ...DETECTION_OUTPUTS,
  ...ELEMENTWISE,
  ...INDEXING_OPERATORS,
  ...MATRIX_OPERATORS,
  ...NORMALIZATIONS,
  ...POOLINGS,
  ...PRIOR_BOXES,
  ...RECURRENT_OPERATORS,
  ...REDUCTION_OPERATORS,
  ...RESIZE_OPERATORS,
  ...SHAPE_OPERATORS,
  QuantizeLinear: (context) => context.input(),
};

/** Inputs, and the places of operators that were taken out. */
const PASSED_OVER: ReadonlySet<string> = new Set(["Input", "None"]);

/** What the raised model shows of what is inside. */
export interface RaiseOptions {
  /** Also make what is int8 between operators readable as numbers, under its name. Default false. */
  readonly layers?: boolean;
}

/** What `raiseToOnnx` does: every operator by its entry in the tables. */
export async function raiseGraph(model: BoltModel, { layers = false }: RaiseOptions = {}): Promise<OnnxModel> {
  refuseUnknownOperators(model);
  if (model.graph.outputs.length === 0) {
    throw new BoltqError("unsupported", "the model has no outputs, so there is nothing to run");
  }
  const builder = new GraphBuilder(model.name);
  const state = new RaiseState(model, builder, raisedNames(model));
  model.graph.inputs.forEach((input, index) => {
    const description = model.inputDescriptions[index]!;
    state.defineInput(input, ELEMENT_TYPES[description.dataType], shapeOfDescription(description));
  });
  for (const node of model.graph.nodes) await raiseNode(state, node);
  for (const output of model.graph.outputs) builder.output(state.plain(output));
  if (layers) for (const node of model.graph.nodes) for (const output of node.outputs) state.plain(output);
  return builder.finish("");
}

function refuseUnknownOperators(model: BoltModel): void {
  const unknown = model.graph.nodes.filter(({ type }) => !PASSED_OVER.has(type) && !Object.hasOwn(OPERATORS, type));
  if (unknown.length === 0) return;
  const types = [...new Set(unknown.map((node) => node.type))].sort();
  throw new BoltqError("unsupported", `the model cannot be run: boltq does not run ${types.join(", ")}`, {
    subject: unknown.length === 1 ? `operator "${unknown[0]!.name}"` : `${unknown.length} operators`,
    remedy: "Run it with Bolt's own engine",
  });
}

async function raiseNode(state: RaiseState, node: BoltNode): Promise<void> {
  if (PASSED_OVER.has(node.type)) return;
  await placed({ subject: `operator "${node.name}" (${node.type})` }, async () => {
    if (computesInInt8(state.model, node)) await raiseInt8(state, node);
    else await raiseWith(new RaiseContext(state, node));
    state.nonNegative.add(node);
  });
}

async function raiseInt8(state: RaiseState, node: BoltNode): Promise<void> {
  const own = INT8_OPERATORS[node.type];
  if (own !== undefined) return own(new RaiseContext(state, node));
  await raiseWith(new RaiseContext(state, node, handedOn(state, node)));
}

async function raiseWith(context: RaiseContext): Promise<void> {
  context.define(await OPERATORS[context.node.type]!(context));
}
