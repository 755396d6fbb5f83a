import type { OnnxAttribute, OnnxNodeData } from "./model.ts";

/** Attribute values in short: a whole list of integers is `ints`; `{ float: 1 }` where the kind cannot be seen. */
export type AttributeInit = number | string | readonly number[] | { readonly float: number };

/** Attributes by name; what is undefined is left out. */
export type AttributeInits = Readonly<Record<string, AttributeInit | undefined>>;

/** What a new operator of ai.onnx with these attributes holds. */
export function nodeData(attributes: AttributeInits = {}): OnnxNodeData {
  return {
    domain: "",
    overload: "",
    attributes: new Map(
      Object.entries(attributes).flatMap(([name, value]) => (value === undefined ? [] : [[name, attributeOf(value)]])),
    ),
    documentation: "",
    unknownFields: new Uint8Array(0),
  };
}

function attributeOf(value: AttributeInit): OnnxAttribute {
  if (typeof value === "number") return { kind: "int", value };
  if (typeof value === "string") return { kind: "string", value: new TextEncoder().encode(value) };
  return "float" in value ? { kind: "float", value: value.float } : { kind: "ints", value };
}
