"""The dtypes of transformers.js by ONNX Runtime's own quantizers, as its script makes them: SOURCE.onnx FOLDER."""

import logging
import sys

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.matmul_bnb4_quantizer import MatMulBnb4Quantizer
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from onnxruntime.transformers.float16 import convert_float_to_float16

logging.disable(logging.CRITICAL)
source, folder = sys.argv[1:]


def save(model, suffix):
    onnx.save(model, f"{folder}/model_{suffix}.onnx")


def half(model):
    return convert_float_to_float16(model, keep_io_types=True)


def four_bits():
    quantizer = MatMulNBitsQuantizer(onnx.load(source), block_size=32, is_symmetric=True, accuracy_level=4)
    quantizer.process()
    return quantizer.model.model


save(half(onnx.load(source)), "fp16")
for suffix, kind in (("quantized", QuantType.QInt8), ("int8", QuantType.QInt8), ("uint8", QuantType.QUInt8)):
    quantize_dynamic(source, f"{folder}/model_{suffix}.onnx", weight_type=kind)
save(four_bits(), "q4")
save(half(four_bits()), "q4f16")
bnb4 = MatMulBnb4Quantizer(onnx.load(source), quant_type=1, block_size=64)
bnb4.process()
save(bnb4.model.model, "bnb4")
