import type { ParameterValue, ParameterValues } from "../../bolt/parameters.ts";
import { NO_BYTES } from "../../io/bytes.ts";
import { BoltqError } from "../../io/error.ts";
import { intAttribute, intsAttribute, textAttribute } from "../../onnx/attributes.ts";
import type { OnnxNode } from "../../onnx/model.ts";
import { floatData } from "../../onnx/tensor-data.ts";
import { constantInput, type Lower, type LoweredWeight, type LoweringContext, requireConstant } from "./lowering.ts";

type Values = { -readonly [Name in keyof ParameterValues]: ParameterValue };

/** Spatial values by Bolt's axes: three are t, h, w; two are h, w; one is h. `absent` fills the rest. */
export function spatial(prefix: string, values: readonly number[] | undefined, absent: number): Values {
  const [t, h, w] =
    values === undefined
      ? []
      : values.length === 3
        ? values
        : values.length === 2
          ? [undefined, ...values]
          : [undefined, ...values];
  return { [`${prefix}_t`]: t ?? absent, [`${prefix}_h`]: h ?? absent, [`${prefix}_w`]: w ?? absent };
}

const PAD_NAMES: Readonly<Record<number, readonly string[]>> = {
  6: ["pad_before", "pad_top", "pad_left", "pad_after", "pad_bottom", "pad_right"],
  4: ["pad_top", "pad_left", "pad_bottom", "pad_right"],
  2: ["pad_top", "pad_bottom"],
};

/** ONNX lists the starts of all axes, then the ends. */
export function padding(pads: readonly number[] | undefined): Values {
  const names = PAD_NAMES[pads?.length ?? 0] ?? [];
  return Object.fromEntries(names.map((name, index) => [name, pads![index]!]));
}

/** Padding that keeps the size at stride 1, the odd one at the end, as Bolt states auto_pad SAME_UPPER. */
export function samePadding(kernel: Values): Values {
  const [height, width] = [Number(kernel["kernel_h"]) - 1, Number(kernel["kernel_w"]) - 1];
  const [top, left] = [Math.trunc(height / 2), Math.trunc(width / 2)];
  return { pad_top: top, pad_bottom: height - top, pad_left: left, pad_right: width - left };
}

function kernelSizes(node: OnnxNode, weightShape: readonly number[]): readonly number[] {
  return intsAttribute(node, "kernel_shape") ?? weightShape.slice(2);
}

async function weightOf(node: OnnxNode): Promise<LoweredWeight> {
  const bias = constantInput(node, 2);
  if (node.inputs[2] !== undefined) requireConstant(node, 2, "bias");
  return {
    dataType: "F32",
    weight: await floatData(requireConstant(node, 1, "weight")),
    vector: bias === undefined ? NO_BYTES : await floatData(bias),
  };
}

const lowerConv: Lower = async (node, context) => {
  const { shape } = requireConstant(node, 1, "weight");
  const outputs = shape[0]!;
  const group = intAttribute(node, "group", 1);
  const kernel = spatial("kernel", kernelSizes(node, shape), 1);
  const pads = intsAttribute(node, "pads");
  const autoPad = textAttribute(node, "auto_pad", "NOTSET");
  const same = pads === undefined && autoPad === "SAME_UPPER";
  if (!context.asBolt && autoPad === "SAME_LOWER") throw unsupportedPadding(node, autoPad);
  return [
    {
      type: "Conv",
      inputs: [node.input(0)],
      weight: await weightOf(node),
      parameters: {
        num_outputs: outputs,
        num_outputs_origin: outputs,
        ...kernel,
        ...spatial("stride", intsAttribute(node, "strides"), 1),
        ...spatial("dilatedRate", intsAttribute(node, "dilations"), 1),
        ...(same ? samePadding(kernel) : padding(pads)),
        group,
        round_mode: same ? sameRounding(context) : "CEIL",
        convolution_type: group !== 1 && group === outputs && shape[1] === 1 ? "DEPTHWISE" : "POINTWISE",
      },
    },
  ];
};

function sameRounding({ rules }: LoweringContext): string {
  return rules === "1.5" ? "SAME_UPPER" : "CEIL";
}

function unsupportedPadding(node: OnnxNode, mode: string): BoltqError {
  return new BoltqError("unsupported", `Bolt has no padding ${mode}`, {
    subject: `operator "${node.name}" (${node.type})`,
    remedy: "Export the model with explicit pads",
  });
}

const lowerConvTranspose: Lower = async (node) => {
  const { shape } = requireConstant(node, 1, "weight");
  const group = intAttribute(node, "group", 1);
  const outputs = group === 1 ? shape[1]! : shape[0]!;
  const autoPad = textAttribute(node, "auto_pad", "NOTSET");
  if (intsAttribute(node, "output_shape") !== undefined) {
    throw new BoltqError("unsupported", "a transposed convolution with a stated output shape cannot be converted", {
      subject: `operator "${node.name}" (${node.type})`,
      remedy: "Export the model with pads and output_padding instead",
    });
  }
  return [
    {
      type: "Deconvolution",
      inputs: [node.input(0)],
      weight: await weightOf(node),
      parameters: {
        num_outputs: outputs,
        num_outputs_origin: outputs,
        ...spatial("kernel", kernelSizes(node, shape), 1),
        ...spatial("stride", intsAttribute(node, "strides"), 1),
        ...spatial("dilatedRate", intsAttribute(node, "dilations"), 1),
        ...padding(intsAttribute(node, "pads")),
        ...spatial("output_pad", intsAttribute(node, "output_padding"), 0),
        group,
        round_mode: autoPad === "SAME_UPPER" || autoPad === "SAME_LOWER" ? "TF_SAME" : "CEIL",
        convolution_type: group === 1 ? "DECONVOLUTION" : "DEPTHWISE_DECONVOLUTION",
      },
    },
  ];
};

export const CONVOLUTIONS: Readonly<Record<string, Lower>> = { Conv: lowerConv, ConvTranspose: lowerConvTranspose };
