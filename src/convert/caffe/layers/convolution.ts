import { elementCount } from "../../../graph/tensor.ts";
import type { OnnxValue } from "../../../onnx/model.ts";
import type { LayerContext, LayerTable } from "../layer-context.ts";
import { perAxis, windowOf } from "./window.ts";

const PARAMETERS = "convolution_param";

/** What convolution and deconvolution have in common. */
function geometryOf(context: LayerContext, depthwise: boolean) {
  const [batch, channels, ...spatial] = context.shape() as [number, number, ...number[]];
  if (spatial.length === 0) context.fail("format", "it wants a map, with at least three dimensions");
  const text = context.parameters(PARAMETERS);
  if (context.axis(text.integer("axis", 1), spatial.length + 2) !== 1)
    context.fail("unsupported", "channels on another axis than 1 cannot be converted");
  const window = windowOf(context, PARAMETERS, spatial.length);
  const dilations = perAxis(context, PARAMETERS, ["dilation", "", ""], spatial.length, 1);
  const outputs = text.integer("num_output", 0);
  const group = depthwise ? channels : text.integer("group", 1);
  text.flag("force_nd_im2col", false);
  if (window.kernel.some((size) => size < 1) || dilations.some((step) => step < 1))
    context.fail("format", "kernel and dilation must be at least 1");
  if (group < 1 || channels % group !== 0 || outputs < 1 || outputs % group !== 0)
    context.fail("format", `${channels} channels and ${outputs} outputs cannot be split into ${group} groups`);
  const reach = window.kernel.map((size, axis) => dilations[axis]! * (size - 1) + 1);
  return { batch, channels, spatial, ...window, dilations, outputs, group, reach };
}

type Geometry = ReturnType<typeof geometryOf>;

function attributesOf({ kernel, strides, pads, dilations, group }: Geometry) {
  return { kernel_shape: kernel, strides, pads: [...pads, ...pads], dilations, group };
}

function biasOf(context: LayerContext, outputs: number): OnnxValue | undefined {
  const used = context.parameters(PARAMETERS).flag("bias_term", true);
  return used ? context.constant(1, "bias", [outputs]) : undefined;
}

const convolution = (depthwise: boolean) => (context: LayerContext) => {
  const geometry = geometryOf(context, depthwise);
  const { batch, channels, spatial, kernel, strides, pads, outputs, group, reach } = geometry;
  const sizes = spatial.map((size, axis) => Math.floor((size + 2 * pads[axis]! - reach[axis]!) / strides[axis]!) + 1);
  if (sizes.some((size) => size < 1))
    context.fail("format", `its kernel is larger than the map (${spatial.join(" x ")})`);
  const weight = context.constant(0, "weight", [outputs, channels / group, ...kernel]);
  return context.add("Conv", [context.input(), weight, ...optional(biasOf(context, outputs))], {
    attributes: attributesOf(geometry),
    shape: [batch, outputs, ...sizes],
  });
};

function deconvolution(context: LayerContext): OnnxValue {
  const geometry = geometryOf(context, false);
  const { batch, channels, spatial, kernel, strides, pads, outputs, group, reach } = geometry;
  const sizes = spatial.map((size, axis) => strides[axis]! * (size - 1) + reach[axis]! - 2 * pads[axis]!);
  if (sizes.some((size) => size < 1)) context.fail("format", "its padding leaves nothing of the map");
  const weight = context.constant(0, "weight", [channels, outputs / group, ...kernel]);
  return context.add("ConvTranspose", [context.input(), weight, ...optional(biasOf(context, outputs))], {
    attributes: attributesOf(geometry),
    shape: [batch, outputs, ...sizes],
  });
}

/** A matrix product over all axes from `axis` on. */
function innerProduct(context: LayerContext): OnnxValue {
  const text = context.parameters("inner_product_param");
  const shape = context.shape();
  const axis = context.axis(text.integer("axis", 1), shape.length);
  const outputs = text.integer("num_output", 0);
  const [rows, columns] = [elementCount(shape.slice(0, axis)), elementCount(shape.slice(axis))];
  const turned = text.flag("transpose", false);
  const weight = context.constant(0, "weight", turned ? [columns, outputs] : [outputs, columns]);
  const bias = text.flag("bias_term", true) ? context.constant(1, "bias", [outputs]) : undefined;
  const flat = shape.length === 2 && axis === 1;
  const matrix = flat ? context.input() : flattened(context, rows, columns, axis);
  const whole = axis === 1;
  const product = context.add("Gemm", [matrix, weight, ...optional(bias)], {
    ...(whole ? {} : { suffix: "product" }),
    attributes: { transB: turned ? 0 : 1 },
    shape: [rows, outputs],
  });
  return whole ? product : context.reshaped(product, [...shape.slice(0, axis), outputs]);
}

function flattened(context: LayerContext, rows: number, columns: number, axis: number): OnnxValue {
  if (axis !== 1) return context.reshaped(context.input(), [rows, columns], "rows");
  return context.add("Flatten", [context.input()], { suffix: "flatten", attributes: { axis }, shape: [rows, columns] });
}

function optional<Item>(item: Item | undefined): Item[] {
  return item === undefined ? [] : [item];
}

export const CONVOLUTIONS: LayerTable = {
  Convolution: convolution(false),
  ConvolutionDepthwise: convolution(true),
  DepthwiseConvolution: convolution(true),
  Deconvolution: deconvolution,
  InnerProduct: innerProduct,
};
