import type { OnnxValue } from "../../../onnx/model.ts";
import { POOL_METHODS, ROUND_MODES } from "../enumerations.ts";
import type { LayerContext, LayerTable } from "../layer-context.ts";
import { windowOf } from "./window.ts";

const PARAMETERS = "pooling_param";

/**
 * Caffe rounds the size of the result up (unless `round_mode` says FLOOR), but starts no window behind the padding. A
 * mean counts the padding, but not what lies behind it.
 */
function pooling(context: LayerContext): OnnxValue {
  const text = context.parameters(PARAMETERS);
  const [batch, channels, ...spatial] = context.shape() as [number, number, ...number[]];
  const mean = context.chosen({ MAX: false, AVE: true }, text.word("pool", "MAX", POOL_METHODS), "kind of pooling");
  if (text.flag("global_pooling", false)) return globalPooling(context, mean, [batch, channels], spatial);
  const { kernel, strides, pads } = windowOf(context, PARAMETERS, spatial.length);
  if (kernel.some((size, axis) => size < 1 || size > spatial[axis]! + 2 * pads[axis]!))
    context.fail("format", `a kernel of ${kernel.join(" x ")} does not fit a map of ${spatial.join(" x ")}`);
  const floor = text.word("round_mode", "CEIL", ROUND_MODES) === "FLOOR" || !text.flag("ceil_mode", true);
  const axes = spatial.map((size, axis) => pooledAxis(size, kernel[axis]!, strides[axis]!, pads[axis]!, floor));
  const shape = [batch, channels, ...axes.map(({ size }) => size)];
  const beyond = axes.some(({ extra }) => extra > 0);
  // Where every axis reaches beyond the padding, or needs none, rounding up says it; else the padding does.
  const up = beyond && axes.every(({ extra, rest }) => extra > 0 || rest === 0);
  const window = { kernel_shape: kernel, strides };
  if (mean && beyond && pads.some((pad) => pad > 0)) {
    const ends = axes.map(({ extra }) => extra);
    return context.add("AveragePool", [padded(context, pads, spatial)], {
      attributes: { ...window, ...(up ? { ceil_mode: 1 } : { pads: [...pads.map(() => 0), ...ends] }) },
      shape,
    });
  }
  const ends = axes.map(({ extra }, axis) => pads[axis]! + (up ? 0 : extra));
  return context.add(mean ? "AveragePool" : "MaxPool", [context.input()], {
    attributes: {
      ...window,
      pads: [...pads, ...ends],
      ceil_mode: up ? 1 : undefined,
      count_include_pad: mean && !beyond && pads.some((pad) => pad > 0) ? 1 : undefined,
    },
    shape,
  });
}

interface PooledAxis {
  readonly size: number;
  /** How far the last window reaches behind the padding. */
  readonly extra: number;
  /** What rounding down would leave over. */
  readonly rest: number;
}

function pooledAxis(size: number, kernel: number, stride: number, pad: number, floor: boolean): PooledAxis {
  const room = size + 2 * pad - kernel;
  let count = (floor ? Math.floor(room / stride) : Math.ceil(room / stride)) + 1;
  if (pad > 0 && (count - 1) * stride >= size + pad) count--;
  return { size: count, extra: Math.max(0, (count - 1) * stride - room), rest: room % stride };
}

function globalPooling(
  context: LayerContext,
  mean: boolean,
  outer: readonly number[],
  spatial: readonly number[],
): OnnxValue {
  const shape = [...outer, ...spatial.map(() => 1)];
  if (mean) return context.add("GlobalAveragePool", [context.input()], { shape });
  return context.add("MaxPool", [context.input()], { attributes: { kernel_shape: spatial }, shape });
}

function padded(context: LayerContext, pads: readonly number[], spatial: readonly number[]): OnnxValue {
  const around = [0, 0, ...pads];
  return context.add("Pad", [context.input(), context.integers("pads", [...around, ...around])], {
    suffix: "padded",
    shape: [...context.shape().slice(0, 2), ...spatial.map((size, axis) => size + 2 * pads[axis]!)],
  });
}

export const POOLINGS: LayerTable = { Pooling: pooling };
