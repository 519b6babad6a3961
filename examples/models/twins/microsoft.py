"""Twins of ONNX Runtime's own operators, as its optimiser and its quantiser write them."""

import numpy as np

from net import Net
from twins.floats import weights

MS = "com.microsoft"
U8, I8 = np.uint8, np.int8


def ms_fused():
    """What the optimiser fuses; and matrices that are quantised while the network runs."""
    rng = np.random.default_rng(301)
    net = Net("ms_fused", microsoft=True)
    const = lambda *shape: net.const(weights(rng, *shape))
    bias = lambda n: net.const(rng.uniform(-1, 1, n).astype(np.float32))
    image = net.input("image", "f32", [1, 3, 6, 5])
    rows = net.input("rows", "f32", [2, 4, 8])

    conv = dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1], domain=MS)
    y = net.op("FusedConv", image, const(4, 3, 3, 3), bias(4), activation="LeakyRelu",
               activation_params=[0.125], **conv)
    z = net.op("FusedConv", y, const(4, 4, 3, 3), bias(4), y, activation="Relu", **conv)
    z = net.op("FusedConv", z, const(4, 4, 3, 3), activation="HardSigmoid",
               activation_params=[0.25, 0.375], **conv)
    z = net.op("Flatten", z, axis=1)
    z = net.op("FusedGemm", z, const(5, 120), bias(5), transB=1, activation="Tanh", alpha=0.5, domain=MS)
    net.output(z, "gemm", "f32", [1, 5])

    turned = net.op("FusedMatMul", rows, const(4, 6), transA=1, alpha=0.75, domain=MS)
    batch = net.op("FusedMatMul", turned, rows, transB=1, transA=1, domain=MS)
    net.output(batch, "matmul", "f32", [2, 6, 4])

    gelu = net.op("BiasGelu", rows, bias(8), domain=MS)
    gelu = net.op("FastGelu", gelu, bias(8), domain=MS)
    gelu = net.op("QuickGelu", gelu, alpha=1.5, domain=MS)
    norm = net.op("SkipLayerNormalization", gelu, rows, bias(8), bias(8), bias(8), epsilon=1e-3, domain=MS)
    norm = net.output(norm, "norm", "f32", [2, 4, 8])

    stored = net.const(rng.integers(-127, 128, (8, 3)).astype(I8))
    scales = net.f32([0.01, 0.02, 0.015])
    product = net.op("DynamicQuantizeMatMul", norm, stored, scales, net.const(np.zeros(3, I8)), bias(3), domain=MS)
    net.output(product, "dynamic", "f32", [2, 4, 3])
    q = net.quant(rows, 0.1, U8(120))
    product = net.op("MatMulIntegerToFloat", q, stored, net.f32(0.1), scales, net.const(U8(120)),
                     net.const(np.zeros(3, I8)), bias(3), domain=MS)
    net.output(product, "integer", "f32", [2, 4, 3])
    return net


def ms_quantized():
    """Stored integers through tables, joins, choices and means; a product of two run-time tensors."""
    rng = np.random.default_rng(302)
    net = Net("ms_quantized", microsoft=True)
    zero = lambda value: net.const(np.array(value))
    x = net.input("x", "u8", [1, 6, 8])
    s = net.input("s", "i8", [1, 6, 8])
    x_quant = [net.f32(0.0517), zero(U8(130))]
    s_quant = [net.f32(0.031), zero(I8(-5))]

    sigmoid_quant = [net.f32(1 / 256), zero(U8(0))]
    sigmoid = net.op("QLinearSigmoid", x, *x_quant, *sigmoid_quant, domain=MS)
    leaky_quant = [net.f32(0.0413), zero(U8(37))]
    leaky = net.op("QLinearLeakyRelu", x, *x_quant, *leaky_quant, alpha=0.1, domain=MS)
    joined_quant = [net.f32(0.0471), zero(U8(101))]
    joined = net.op("QLinearConcat", *joined_quant, sigmoid, *sigmoid_quant, leaky, *leaky_quant, x, *x_quant,
                    axis=1, domain=MS)
    net.output(joined, "joined", "u8", [1, 18, 8])

    signed = net.op("QLinearLeakyRelu", s, *s_quant, net.f32(0.029), zero(I8(-64)), alpha=0.3, domain=MS)
    net.output(signed, "signed", "i8", [1, 6, 8])
    condition = net.const(rng.integers(0, 2, (6, 8)).astype(bool))
    chosen = net.op("QLinearWhere", condition, x, *x_quant, leaky, *leaky_quant, net.f32(0.06), zero(U8(99)),
                    domain=MS)
    chosen = net.output(chosen, "chosen", "u8", [1, 6, 8])

    turned = net.op("Transpose", x, perm=[0, 2, 1])
    product = net.op("QLinearMatMul", chosen, net.f32(0.06), zero(U8(99)), turned, *x_quant, net.f32(0.9),
                     zero(U8(128)))
    product = net.output(product, "product", "u8", [1, 6, 6])
    back = net.op("DequantizeLinear", product, net.f32(0.9), zero(U8(128)), domain=MS)
    back = net.op("QuantizeLinear", back, net.f32(0.8), zero(U8(3)), domain=MS)
    net.output(back, "back", "u8", [1, 6, 6])
    return net


FLOATS = [ms_fused]
INTEGERS = [ms_quantized]
