import { BoltqError } from "../io/error.ts";
import { parseJson } from "../io/json.ts";

/** Clip values of one layer's tensors, by tensor name. */
export interface LayerClips {
  readonly inputs: ReadonlyMap<string, number>;
  readonly weights: ReadonlyMap<string, number>;
  readonly outputs: ReadonlyMap<string, number>;
}

/** A scale table (`-s`): clip values by layer, or which layers to quantize dynamically. */
export type ScaleTable =
  | { readonly kind: "static"; readonly layers: ReadonlyMap<string, LayerClips> }
  | { readonly kind: "dynamic"; readonly choice: DynamicChoice };

/** Operators to quantize dynamically, and to leave in float, by name. */
export interface DynamicChoice {
  readonly quantized: ReadonlySet<string>;
  readonly float: ReadonlySet<string>;
}

const PARTS = ["inputs", "weights", "outputs"] as const;

/**
 * Parses the JSON of a scale table. `lenient` passes over what is not understood, as Bolt does; else it throws
 * BoltqError `format` and says where. `file` is for messages.
 */
export function parseScaleTable(
  text: string,
  file: string,
  { lenient = false }: { lenient?: boolean } = {},
): ScaleTable {
  const root = parseObject(text, file);
  const kind = root.get("quantization") ?? "static";
  if (kind === "dynamic")
    return {
      kind,
      choice: { quantized: nameList(root, "quant_ops", file), float: nameList(root, "no_quant_ops", file) },
    };
  if (kind !== "static")
    throw tableError(file, `"quantization" must be "static" or "dynamic", not ${JSON.stringify(kind)}`);
  const layers = new Map<string, LayerClips>();
  for (const [name, layer] of root) {
    if (name === "quantization") continue;
    if (isObject(layer)) layers.set(name, parseLayer(layer, name, file, lenient));
    else if (!lenient) throw tableError(file, `the layer "${name}" must be an object with inputs, weights, outputs`);
  }
  return { kind: "static", layers };
}

function parseObject(text: string, file: string): Map<string, unknown> {
  const value = parseJson(text, file);
  if (!isObject(value)) throw tableError(file, "the scale table must be an object: layer names, then clip values");
  return new Map(Object.entries(value));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What is wrong with the table in `file`. */
export function tableError(file: string, problem: string): BoltqError {
  return new BoltqError("format", problem, { file, remedy: "See docs/calibration.md for the format" });
}

function parseLayer(layer: Record<string, unknown>, name: string, file: string, lenient: boolean): LayerClips {
  const unknown = Object.keys(layer).find((key) => !(PARTS as readonly string[]).includes(key));
  if (unknown !== undefined && !lenient)
    throw tableError(file, `the layer "${name}" has "${unknown}"; only inputs, weights and outputs are known`);
  const part = (key: (typeof PARTS)[number]) =>
    parseClips(layer[key], `"${key}" of the layer "${name}"`, file, lenient);
  return { inputs: part("inputs"), weights: part("weights"), outputs: part("outputs") };
}

function parseClips(value: unknown, what: string, file: string, lenient: boolean): Map<string, number> {
  const clips = new Map<string, number>();
  if (value === undefined) return clips;
  if (!isObject(value)) {
    if (lenient) return clips;
    throw tableError(file, `${what} must be an object: tensor names and clip values`);
  }
  for (const [tensor, clip] of Object.entries(value)) {
    if (typeof clip === "number" && (lenient || clip > 0)) clips.set(tensor, Math.fround(clip));
    else if (!lenient)
      throw tableError(
        file,
        `${what}: the clip value of "${tensor}" must be a positive number, not ${JSON.stringify(clip)}`,
      );
  }
  return clips;
}

function nameList(root: Map<string, unknown>, key: string, file: string): Set<string> {
  const list = root.get(key) ?? [];
  if (Array.isArray(list) && list.every((name) => typeof name === "string")) return new Set(list);
  throw tableError(file, `"${key}" must be a list of operator names`);
}

/** The JSON of a table of clip values; layers and tensors in their order. */
export function printScaleTable(layers: ReadonlyMap<string, LayerClips>): string {
  const named = [...layers].map(([layer, clips]) => [
    layer,
    Object.fromEntries(
      PARTS.filter((part) => clips[part].size > 0).map((part) => [part, Object.fromEntries(clips[part])]),
    ),
  ]);
  return `${JSON.stringify({ quantization: "static", ...Object.fromEntries(named) }, null, 2)}\n`;
}
