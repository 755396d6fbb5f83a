import { memoryBytes } from "../../io/bytes.ts";
import { BoltqError } from "../../io/error.ts";
import { WireMessage } from "../../io/protobuf.ts";
import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxValue } from "../../onnx/model.ts";
import { type OnnxFunctionBody, readFunctionBody } from "../../onnx/read-function.ts";
import { REFERRED_ATTRIBUTE } from "../../onnx/schema.ts";
import { settleStructure } from "../../onnx/structure.ts";
import { subgraphsOf } from "../../onnx/subgraphs.ts";
import { splice } from "./splice.ts";

/** Functions may call each other, twice at each level: no more levels and operators are made than this. */
const MOST_LEVELS = 64;
const MOST_OPERATORS = 50_000;

/**
 * Puts what model-local functions compute in the place of their calls in the main graph, also of those in functions.
 * Functions of `kept` domains stay, and those whose operators are of another opset than the model's. Throws BoltqError
 * `invalid-graph` for bodies that cannot be, `limit` where they call themselves or grow beyond measure.
 */
export async function inlineFunctions(model: OnnxModel, kept: ReadonlySet<string>): Promise<void> {
  const functions = new Map(model.functions.map((each) => [`${each.domain}:${each.name}`, each]));
  const { main, opsets } = model;
  let [made, level] = [0, 0];
  const inline = async (node: OnnxNode): Promise<boolean> => {
    const { domain, overload } = node.data;
    const definition = kept.has(domain) || overload !== "" ? undefined : functions.get(`${domain}:${node.type}`);
    if (definition === undefined) return false;
    const body = await readFunctionBody(definition.bytes);
    if (body.opset !== undefined && (opsets.get("") ?? body.opset) !== body.opset) return false;
    if (body.opset !== undefined) opsets.set("", body.opset);
    made += body.graph.graph.size;
    if (level > MOST_LEVELS || made > MOST_OPERATORS) throw tooMany(node);
    await bind(node, body);
    splice(main, node, body.graph);
    return true;
  };
  for (let again = functions.size > 0; again; level += 1) {
    again = false;
    for (const node of main.graph.nodes) if (await inline(node)) again = true;
  }
  if (made > 0) settleStructure(main);
}

function tooMany({ name, type }: OnnxNode): BoltqError {
  return new BoltqError("limit", `functions make more than ${MOST_OPERATORS} operators, or call themselves`, {
    subject: `operator "${name}" (${type})`,
    remedy: "Export the model without functions that call themselves",
  });
}

/** Lets the body read what the call reads, with the attributes that the call has. */
async function bind(call: OnnxNode, { graph: body, defaults }: OnnxFunctionBody): Promise<void> {
  await setAttributes(body, new Map([...defaults, ...call.data.attributes]));
  const { graph } = body;
  if (graph.outputs.length < call.outputs.length)
    throw new BoltqError("invalid-graph", `its function gives ${graph.outputs.length} outputs`, {
      subject: `operator "${call.name}" (${call.type})`,
    });
  for (const [index, input] of graph.inputs.entries()) {
    const given = call.inputs[index];
    if (given !== undefined) graph.replaceUses(input, given);
    else leaveOut(input);
  }
}

function leaveOut(input: OnnxValue): void {
  for (const user of input.users)
    for (const [place, read] of user.inputs.entries()) if (read === input) user.setInput(place, undefined);
}

/** Attributes that stand for one of the call's become that, or go where the call leaves it out. */
async function setAttributes({ graph }: OnnxGraph, given: ReadonlyMap<string, OnnxAttribute>): Promise<void> {
  for (const node of graph.nodes) {
    const { attributes } = node.data;
    for (const [name, attribute] of attributes) {
      if (attribute.kind !== "raw") continue;
      const referred = await (await WireMessage.read(memoryBytes(attribute.value))).text(REFERRED_ATTRIBUTE);
      if (referred === "") continue;
      const value = given.get(referred);
      if (value === undefined) attributes.delete(name);
      else attributes.set(name, value);
    }
    for (const inner of subgraphsOf(node)) await setAttributes(inner, given);
  }
}
