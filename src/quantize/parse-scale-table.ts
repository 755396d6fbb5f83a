import * as v from "valibot";
import { checkAs, fields, fieldsAmongOthers, namedValues, oneOf, parseAs, type Schema } from "../io/schema.ts";
import { SCALE_TABLE_REMEDY, type ScaleTable } from "./scale-table.ts";

/** Clip values are float32 numbers in Bolt's files. */
const isClip = (value: unknown) =>
  typeof value === "number" && Math.fround(value) > 0 && Number.isFinite(Math.fround(value));
const clip = v.pipe(v.custom<number>(isClip, "a positive number"), v.transform(Math.fround));

const clips = v.exactOptional(namedValues(clip), {});
const isRange = (value: unknown) =>
  Array.isArray(value) && value.length === 2 && value.every(Number.isFinite) && value[0] <= 0 && value[1] > value[0];
const range = v.custom<readonly [number, number]>(isRange, "two numbers, the first not above zero, the second larger");
const LAYERS = namedValues(
  fields({ inputs: clips, weights: clips, outputs: clips, ranges: v.exactOptional(namedValues(range), {}) }),
);

/** Values of which those of another form are passed over, as Bolt does. */
function known<Value>(schema: Schema<Value>): Schema<Map<string, Value>> {
  return v.pipe(
    namedValues(v.fallback(v.nullable(schema), null)),
    v.transform((values) => new Map([...values].flatMap(([name, value]) => (value === null ? [] : [[name, value]])))),
  );
}

const knownClips = v.exactOptional(v.fallback(known(v.pipe(v.number(), v.transform(Math.fround))), new Map()), {});
const KNOWN_LAYERS = known(fieldsAmongOthers({ inputs: knownClips, weights: knownClips, outputs: knownClips }));

const operatorNames = v.exactOptional(
  v.pipe(
    v.array(v.string("the name of an operator"), "a list of operator names"),
    v.transform((names) => new Set(names)),
  ),
  [],
);
const DYNAMIC = fieldsAmongOthers({ quant_ops: operatorNames, no_quant_ops: operatorNames });

/**
 * Parses the JSON of a scale table. `lenient` passes over what is not understood, as Bolt does; else it throws
 * BoltqError `format` and says where. `file` is for messages.
 */
export function parseScaleTable(
  text: string,
  file: string,
  { lenient = false }: { lenient?: boolean } = {},
): ScaleTable {
  const origin = { file, what: "a scale table", remedy: SCALE_TABLE_REMEDY, duplicates: lenient };
  const root = parseAs(namedValues(v.unknown()), text, origin);
  const kind = checkAs(oneOf("static", "trained", "dynamic"), root.get("quantization") ?? "static", {
    ...origin,
    what: '"quantization"',
  });
  root.delete("quantization");
  const rest = Object.fromEntries(root);
  if (kind !== "dynamic") {
    const layers = checkAs(lenient ? KNOWN_LAYERS : LAYERS, rest, origin);
    return { kind: "static", layers, ...(kind === "trained" ? { trained: true } : {}) };
  }
  const { quant_ops: quantized, no_quant_ops: float } = checkAs(DYNAMIC, rest, origin);
  return { kind, choice: { quantized, float } };
}
