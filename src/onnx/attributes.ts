import { BoltqError } from "../io/error.ts";
import type { OnnxAttribute, OnnxNode } from "./model.ts";

function attributeOf<Kind extends OnnxAttribute["kind"]>(
  node: OnnxNode,
  name: string,
  kind: Kind,
): Extract<OnnxAttribute, { kind: Kind }> | undefined {
  const attribute = node.data.attributes.get(name);
  if (attribute === undefined) return undefined;
  if (attribute.kind === kind) return attribute as Extract<OnnxAttribute, { kind: Kind }>;
  throw new BoltqError("format", `its attribute "${name}" is of the kind ${attribute.kind}, not ${kind}`, {
    subject: `operator "${node.name}" (${node.type})`,
  });
}

/** An integer attribute, or `absent`. */
export function intAttribute(node: OnnxNode, name: string, absent: number): number {
  return attributeOf(node, name, "int")?.value ?? absent;
}

/** A list of integers; undefined if the attribute is not there. */
export function intsAttribute(node: OnnxNode, name: string): readonly number[] | undefined {
  return attributeOf(node, name, "ints")?.value;
}

/** A float attribute, or `absent`. */
export function floatAttribute(node: OnnxNode, name: string, absent: number): number {
  return attributeOf(node, name, "float")?.value ?? absent;
}

/** A list of floats; undefined if the attribute is not there. */
export function floatsAttribute(node: OnnxNode, name: string): readonly number[] | undefined {
  return attributeOf(node, name, "floats")?.value;
}

/** A text attribute, or `absent`. */
export function textAttribute(node: OnnxNode, name: string, absent: string): string {
  const attribute = attributeOf(node, name, "string");
  return attribute === undefined ? absent : new TextDecoder().decode(attribute.value);
}
